/** Runs that end by what they were given: their time, and tokens in and out. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsToEnd } from '../support/events.ts';
import { createRun, detailsOf } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import {
  callsOf,
  dataOf,
  type Message,
  names,
  type OpenAiClient,
  openAiClient,
  type Run,
  runPath,
  toolOutputs,
  weatherTool,
} from './client.ts';

/** Longer than a busy machine takes until a run asks its client. */
const EXPIRES_AFTER_S = 8;

let stack: Stack;
let api: OpenAiClient;
beforeAll(async () => {
  stack = await openStack({ file: { openai: { expires_after_s: EXPIRES_AFTER_S } } });
  api = openAiClient(stack);
  // Whoever is first waits for the bundle of the workflows: a run that does not expire.
  await eventsToEnd(stack, await createRun(stack, '/say x'));
});
afterAll(async () => {
  await stack.close();
});

// At once: each waits for its run's whole time.
describe.concurrent('a run expires', () => {
  it('while it waits for its client, and frees its thread', async () => {
    const thread = await api.createThread('/tool get_weather');
    const run = await api.poll(await api.createRun(thread, { tools: [weatherTool()] }));
    expect(run.status).toBe('requires_action');
    expect((run.expires_at ?? 0) - run.created_at).toBe(EXPIRES_AFTER_S);
    const expired = await api.poll(run, ['requires_action']);
    expect(expired).toMatchObject({ status: 'expired', failed_at: null, last_error: null, required_action: null });
    expect((await detailsOf(stack, run.id)).error?.code).toBe('run.expired');
    const [step] = await api.steps(run);
    expect(step).toMatchObject({ status: 'expired', completed_at: null });
    expect(step?.expired_at).toBeGreaterThan(0);
    const id = callsOf(run)[0]?.id ?? '';
    const late = await api.refused('POST', `${runPath(run)}/submit_tool_outputs`, toolOutputs({ [id]: 'sun' }));
    expect(late.message).toBe('Runs in status "expired" do not accept tool outputs.');
    await api.ok('POST', `/threads/${thread.id}/messages`, { role: 'user', content: 'free' });
  });

  it('in mid-sentence, with what it had said as incomplete', async () => {
    const thread = await api.createThread('/say Begin.\n/think ms=30000');
    const frames = await api.stream(`/threads/${thread.id}/runs`, { assistant_id: 'assistant' });
    expect(names(frames).slice(-3)).toEqual([
      'thread.message.incomplete',
      'thread.run.step.expired',
      'thread.run.expired',
    ]);
    const message = dataOf<Message>(frames, 'thread.message.incomplete');
    expect(message.incomplete_details).toEqual({ reason: 'run_expired' });
    expect((await api.messages(thread)).at(-1)).toEqual(message);
  });

  it('also where it had to wait longer for its provider', async () => {
    const thread = await api.createThread('/fail status=429 retry_after=60 times=9');
    const run = await api.poll(await api.createRun(thread));
    expect(run.status).toBe('expired');
  });

  it('but not one that the native API made', async () => {
    const thread = await api.createThread();
    const sent = await stack.send('POST', `/v1/threads/${thread.id}/runs`, {
      body: { input: `/think ms=${EXPIRES_AFTER_S * 1_000 + 500}\n/say late` },
    });
    const { run_id } = (await sent.json()) as { run_id: string };
    expect((await api.poll({ id: run_id, thread_id: thread.id })).status).toBe('completed');
  });
});

describe('a run is incomplete', () => {
  it('when its completion tokens are used up: its answer is cut, and kept', async () => {
    const thread = await api.createThread('/stream chunks=400 delay_ms=0');
    const frames = await api.stream(`/threads/${thread.id}/runs`, {
      assistant_id: 'assistant',
      max_completion_tokens: 256,
    });
    expect(names(frames).slice(-3)).toEqual([
      'thread.message.incomplete',
      'thread.run.step.completed',
      'thread.run.incomplete',
    ]);
    const run = dataOf<Run>(frames, 'thread.run.incomplete');
    expect(run).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_completion_tokens' },
      last_error: null,
      failed_at: null,
      usage: { completion_tokens: 256 },
    });
    expect(run).toEqual(await api.getRun(run));
    const message = (await api.messages(thread)).at(-1);
    expect(message).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_tokens' } });
    expect(message).toEqual(dataOf(frames, 'thread.message.incomplete'));
    expect((await api.steps(run))[0]?.usage).toEqual(run.usage);
    expect((await detailsOf(stack, run.id)).error?.code).toBe('run.max_completion_tokens');
  });

  it('counted over all its turns', async () => {
    const thread = await api.createThread('/usage output=200\n/tool get_weather');
    const terms = { tools: [weatherTool()], max_completion_tokens: 256 };
    const waiting = await api.poll(await api.createRun(thread, terms));
    expect(waiting.status).toBe('requires_action');
    await api.submit(waiting, { [callsOf(waiting)[0]?.id ?? '']: 'word '.repeat(300) });
    const run = await api.poll(waiting);
    expect(run).toMatchObject({ status: 'incomplete', usage: { completion_tokens: 256 } });
  });

  it('when its prompts are longer than it was allowed', async () => {
    const thread = await api.createThread('/usage input=300\n/say Hi.');
    const run = await api.poll(await api.createRun(thread, { max_prompt_tokens: 256 }));
    expect(run).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_prompt_tokens' } });
  });

  it('when its persona’s budget of tokens is spent', async () => {
    const persona = { key: 'poor', budget: { max_tokens: 20 } };
    expect((await stack.send('POST', '/v1/personas', { body: persona })).status).toBe(201);
    const thread = await api.createThread('/usage input=10 output=10\n/tool get_weather');
    const waiting = await api.poll(await api.createRun(thread, { assistant_id: 'poor', tools: [weatherTool()] }));
    await api.submit(waiting, { [callsOf(waiting)[0]?.id ?? '']: 'sun' });
    const run = await api.poll(waiting);
    expect(run).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_completion_tokens' } });
  });

  it('when its persona’s budget of tokens cuts its answer', async () => {
    const persona = { key: 'short', budget: { max_tokens: 100 } };
    expect((await stack.send('POST', '/v1/personas', { body: persona })).status).toBe(201);
    const thread = await api.createThread('/stream chunks=400 delay_ms=0');
    const frames = await api.stream(`/threads/${thread.id}/runs`, { assistant_id: 'short' });
    const run = dataOf<Run>(frames, 'thread.run.incomplete');
    expect(run).toMatchObject({ incomplete_details: { reason: 'max_completion_tokens' }, completed_at: null });
    expect(run).toEqual(await api.getRun(run));
    expect((await api.messages(thread)).at(-1)).toEqual(dataOf(frames, 'thread.message.incomplete'));
  });

  it('but completed where it says exactly what it may', async () => {
    const thread = await api.createThread('/stream chunks=256 delay_ms=0');
    const run = await api.poll(await api.createRun(thread, { max_completion_tokens: 256 }));
    expect(run).toMatchObject({ status: 'completed', usage: { completion_tokens: 256 } });
  });
});
