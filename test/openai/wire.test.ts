/** What a run asks of its model, read on the provider's wire. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type OnWire, openOnWire } from '../providers/on-wire.ts';
import { said, transcript } from '../providers/transcript.ts';
import { wireRoute } from '../wire/collect.ts';
import { callsOf, type OpenAiClient, openAiClient, type Run, weatherTool } from './client.ts';

let on: OnWire;
let api: OpenAiClient;
beforeAll(async () => {
  on = await openOnWire((url) => [wireRoute('openai-compatible', url, { retries: 0 })]);
  api = openAiClient(on.stack);
});
afterAll(async () => {
  await on.close();
});
beforeEach(() => {
  on.wire.requests.length = 0;
  on.wire.script('openai-compatible', [{ text: ['Yes.'] }]);
});

const onWire = (assistant: Record<string, unknown> = {}) =>
  api.createAssistant({ model: 'openai-compatible', ...assistant });

/** What the provider was sent by a run with these terms on a thread with these messages. */
async function sent(terms: Record<string, unknown>, messages = ['Hello?'], assistant: Record<string, unknown> = {}) {
  const made = await onWire(assistant);
  const thread = await api.createThread(...messages);
  const run = await api.poll(await api.createRun(thread, { assistant_id: made.id, ...terms }));
  expect(run.status).toBe('completed');
  return on.wire.requests.at(-1)?.body ?? {};
}

describe('the provider is sent', () => {
  it.each<[Record<string, unknown>, Record<string, unknown>]>([
    [{ temperature: 0.3 }, { temperature: 0.3 }],
    [{ top_p: 0.6 }, { top_p: 0.6 }],
    [{ reasoning_effort: 'high' }, { reasoning_effort: 'high' }],
    [{ max_completion_tokens: 300 }, { max_tokens: 300 }],
    [{ tools: [weatherTool()], tool_choice: 'required' }, { tool_choice: 'required' }],
    [{ tools: [weatherTool()], tool_choice: 'none' }, { tool_choice: 'none' }],
    [
      { tools: [weatherTool()], tool_choice: { type: 'function', function: { name: 'get_weather' } } },
      { tool_choice: { type: 'function', function: { name: 'get_weather' } } },
    ],
    [{ tools: [weatherTool()], parallel_tool_calls: false }, { parallel_tool_calls: false }],
    [{ tools: [weatherTool()] }, { tools: [weatherTool()] }],
    [{ response_format: { type: 'json_object' } }, { response_format: { type: 'json_object' } }],
  ])('%j', async (terms, wire) => {
    expect(await sent(terms)).toMatchObject(wire);
  });

  it('a JSON schema to hold its answer to', async () => {
    const json_schema = {
      name: 'out',
      schema: { type: 'object', properties: {}, additionalProperties: false },
      strict: true,
    };
    const body = await sent({ response_format: { type: 'json_schema', json_schema } });
    expect(body.response_format).toMatchObject({
      type: 'json_schema',
      json_schema: { name: 'out', schema: json_schema.schema },
    });
  });

  it('a function’s strictness', async () => {
    const tool = weatherTool();
    const strict = { ...tool, function: { ...tool.function, strict: true } };
    expect(await sent({ tools: [strict] })).toMatchObject({
      tools: [{ function: { name: 'get_weather', strict: true } }],
    });
  });

  it('what the assistant says where the run says nothing, and what the run says where it does', async () => {
    const assistant = { temperature: 0.1, top_p: 0.9, instructions: 'Be brief.', tools: [weatherTool()] };
    const body = await sent({ top_p: 0.5, additional_instructions: 'Rhyme.' }, ['Hi.'], assistant);
    expect(body).toMatchObject({ temperature: 0.1, top_p: 0.5, tools: [weatherTool()] });
    expect(lines()).toEqual(['system Be brief.\n\nRhyme.', 'user Hi.']);
    const other = { instructions: 'Be long.', tools: [weatherTool('get_time')] };
    expect(await sent(other, ['Hi.'], assistant)).toMatchObject({ tools: [weatherTool('get_time')] });
    expect(lines()).toEqual(['system Be long.', 'user Hi.']);
    expect(await sent({ tools: [] }, ['Hi.'], assistant)).not.toHaveProperty('tools');
  });

  it('nothing that nobody asked for', async () => {
    const body = await sent({});
    for (const field of ['temperature', 'top_p', 'tool_choice', 'response_format', 'max_tokens', 'tools']) {
      expect(body).not.toHaveProperty(field);
    }
  });

  it('the thread’s last messages alone, additional ones among them', async () => {
    const terms = {
      truncation_strategy: { type: 'last_messages', last_messages: 2 },
      additional_messages: [{ role: 'user', content: 'four' }],
    };
    await sent(terms, ['one', 'two', 'three']);
    expect(lines()).toEqual(['user three', 'user four']);
  });

  it('as much of the thread as its prompt tokens allow', async () => {
    const long = (name: string) => `${name} ${'x'.repeat(400)}`;
    await sent({ max_prompt_tokens: 256 }, [long('a'), long('b'), long('c'), long('d')]);
    expect(lines().map((line) => line.slice(0, 6))).toEqual(['user c', 'user d']);
  });

  it('an image as it is', async () => {
    const image = { type: 'image_url', image_url: { url: 'https://example.com/cat.png', detail: 'low' } };
    const additional_messages = [{ role: 'user', content: [{ type: 'text', text: 'What?' }, image] }];
    expect(JSON.stringify((await sent({ additional_messages })).messages)).toContain('"https://example.com/cat.png"');
  });

  it('no message that was deleted', async () => {
    const thread = await api.createThread('one', 'two');
    const [first] = await api.messages(thread);
    await api.ok('DELETE', `/threads/${thread.id}/messages/${first?.id}`);
    await api.poll(await api.createRun(thread, { assistant_id: (await onWire()).id }));
    expect(lines().slice(-1)).toEqual(['user two']);
    expect(lines().join()).not.toContain('one');
  });
});

it('a tool that must be called is asked for once: the next turn may answer', async () => {
  on.wire.script('openai-compatible', (_, index) =>
    index === 0 ? { toolCalls: [{ name: 'get_weather', arguments: {} }] } : { text: ['Sun.'] },
  );
  const thread = await api.createThread('Weather?');
  const terms = { assistant_id: (await onWire()).id, tools: [weatherTool()], tool_choice: 'required' };
  const run: Run = await api.poll(await api.createRun(thread, terms));
  await api.submit(run, { [callsOf(run)[0]?.id ?? '']: 'sun' });
  expect((await api.poll(run)).status).toBe('completed');
  expect(on.wire.requests.map((request) => request.body.tool_choice)).toEqual(['required', 'auto']);
});

it('a provider’s 429 that no retry heals is `rate_limit_exceeded`, a 400 `invalid_prompt`', async () => {
  for (const [status, code] of [
    [429, 'rate_limit_exceeded'],
    [400, 'invalid_prompt'],
    [500, 'server_error'],
  ] as const) {
    on.wire.script('openai-compatible', [{ http: { status, body: { error: { message: `it was ${status}` } } } }]);
    const thread = await api.createThread('x');
    const run = await api.poll(await api.createRun(thread, { assistant_id: (await onWire()).id }));
    expect(run).toMatchObject({ status: 'failed', last_error: { code, message: `it was ${status}` } });
  }
});

const lines = () => {
  const request = on.wire.requests.at(-1);
  if (!request) throw new Error('nothing was asked');
  return said(transcript(request));
};
