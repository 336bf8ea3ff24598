/** Streams as bytes: what stands between the events, and what may not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { TWO_CITIES, threadWith, weatherAssistant } from './flows/dialogue.ts';
import { NPM_SDKS, type Sdk } from './support/npm-sdk.ts';
import { openSuite, type Suite } from './support/suite.ts';

const DONE = 'event: done\ndata: [DONE]\n\n';
/** The contract: at least every 15 s. */
const SILENT_MS = 16_500;

let suite: Suite;
let sdk: Sdk;
beforeAll(async () => {
  suite = await openSuite(['main']);
  sdk = suite.world('wire', NPM_SDKS[0].open).sdk;
});
afterAll(async () => {
  await suite?.close();
});

type Delta = { content?: unknown; step_details?: { tool_calls: { index: number }[] } };
type Frame = { event: string; data: Record<string, unknown> & { delta?: Delta } };

async function streamed(path: string, body: object): Promise<{ text: string; frames: Frame[] }> {
  const response = await suite.main.open('POST', `/openai/v1${path}`, { body: { ...body, stream: true } });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const text = await response.text();
  expect(text).toMatch(/^((event: [a-z_.]+\ndata: [^\n]+\n\n)|(: ping\n))+$/);
  expect(text.endsWith(DONE)).toBe(true);
  const frames = [...text.matchAll(/^event: (.+)\ndata: (.+)\n\n/gm)].filter(([, event]) => event !== 'done');
  return { text, frames: frames.map(([, event = '', data = '']) => ({ event, data: JSON.parse(data) })) };
}

describe('a stream', () => {
  it('is events and data alone, with whole objects, and ends with [DONE]', async () => {
    const thread = (await threadWith(sdk, '/stream chunks=5 delay_ms=5')).id;
    const { frames } = await streamed(`/threads/${thread}/runs`, { assistant_id: 'assistant' });
    const deltas = frames.filter(({ event }) => event === 'thread.message.delta');
    expect(deltas.length).toBeGreaterThan(0);
    for (const { data } of deltas) {
      expect(data).toMatchObject({ object: 'thread.message.delta', id: expect.stringMatching(/^msg_/) });
      expect(data.delta?.content).toMatchObject([{ index: 0, type: 'text', text: { value: expect.any(String) } }]);
    }
    const last = frames.at(-1);
    expect(last).toMatchObject({ event: 'thread.run.completed', data: { object: 'thread.run', status: 'completed' } });
  });

  it('of calls has an index for each call and no id in its step deltas; the submitted one goes on with that step', async () => {
    const [assistant, thread] = await Promise.all([weatherAssistant(sdk), threadWith(sdk, TWO_CITIES)]);
    const first = await streamed(`/threads/${thread.id}/runs`, { assistant_id: assistant.id });
    const deltas = first.frames.filter(({ event }) => event === 'thread.run.step.delta');
    const calls = deltas.flatMap(({ data }) => data.delta?.step_details?.tool_calls ?? []);
    for (const { data } of deltas) expect(data.delta).not.toHaveProperty('id');
    expect(new Set(calls.map((call) => call.index))).toEqual(new Set([0, 1]));
    expect(first.frames.at(-1)).toMatchObject({ event: 'thread.run.requires_action' });

    const run = await sdk.getRun(thread.id, String(first.frames.at(-1)?.data.id));
    const asked = run.required_action?.submit_tool_outputs.tool_calls ?? [];
    const tool_outputs = asked.map(({ id }) => ({ tool_call_id: id, output: 'rain' }));
    const second = await streamed(`/threads/${thread.id}/runs/${run.id}/submit_tool_outputs`, { tool_outputs });
    const step = first.frames.find(({ event }) => event === 'thread.run.step.created')?.data.id;
    expect(second.frames[0]).toMatchObject({ event: 'thread.run.step.completed', data: { id: step } });
    expect(second.frames.at(-1)).toMatchObject({ event: 'thread.run.completed' });
  });

  it('that is silent for long is kept alive by a comment without a blank line, for every SDK', async () => {
    const script = `/say Well\n/think ms=${SILENT_MS}\n/say then`;
    const raw = streamed('/threads/runs', {
      ...{ assistant_id: 'assistant', thread: { messages: [{ role: 'user', content: script }] } },
    });
    const heard = NPM_SDKS.map(async ({ agent, open }) => {
      const { sdk } = suite.world(`${agent} waits`, open);
      const thread = (await threadWith(sdk, script)).id;
      return (await sdk.stream(thread, { assistant_id: 'assistant' }).finalRun()).status;
    });
    expect((await raw).text).toContain('\n\n: ping\n');
    expect((await raw).text).not.toContain(': ping\n\n');
    expect(await Promise.all(heard)).toEqual(['completed', 'completed', 'completed']);
  });

  it('whose key is revoked ends as an error of the SDK, and its run goes on', { timeout: 180_000 }, async () => {
    const made = await suite.main.holdfast(['keys', 'create']);
    const { sdk: revoked } = suite.world('revoked', NPM_SDKS[0].open, made.stdout.trim());
    const thread = (await threadWith(sdk, '/say Well\n/think ms=60000\n/say then')).id;
    const stream = revoked.stream(thread, { assistant_id: 'assistant' });
    await new Promise<void>((resolve, reject) => stream.on('textDelta', () => resolve()).on('error', reject));
    await suite.main.holdfast(['keys', 'revoke', /key_\w+/.exec(made.stderr)?.[0] ?? '']);
    await expect(stream.finalRun()).rejects.toBeInstanceOf(revoked.errors.APIError);
    const [run] = (await sdk.listRuns(thread, {})).data;
    expect(run?.status).toBe('in_progress');
    await sdk.cancelRun(thread, run?.id ?? '');
    expect((await sdk.poll(thread, run?.id ?? '')).status).toBe('cancelled');
  });

  it('that nobody reads costs its run nothing', async () => {
    const thread = (await threadWith(sdk, '/stream chunks=2000 delay_ms=0')).id;
    const response = await suite.main.open('POST', `/openai/v1/threads/${thread}/runs`, {
      body: { assistant_id: 'assistant', stream: true },
    });
    const [run] = (await sdk.listRuns(thread, {})).data;
    await until(async () => (await sdk.getRun(thread, run?.id ?? '')).status === 'completed', 'the run is completed');
    await response.body?.cancel();
  });
});
