/** A run from its creation to its end, as code written for OpenAI sees it by polling. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStack, type Stack } from '../support/stack.ts';
import {
  type OpenAiClient,
  openAiClient,
  type Run,
  runPath,
  type Thread,
  textOfMessage,
  weatherTool,
} from './client.ts';

let stack: Stack;
let api: OpenAiClient;
beforeAll(async () => {
  stack = await openStack({ routes: [{ id: 'demo', provider: 'demo', aliases: ['gpt-4o'] }] });
  api = openAiClient(stack);
});
afterAll(async () => {
  await stack.close();
});

describe('a run', () => {
  it('is answered as it was accepted: queued, with the terms it was asked for', async () => {
    const assistant = await api.createAssistant({ model: 'gpt-4o', instructions: 'Be brief.', tools: [weatherTool()] });
    const thread = await api.createThread('/think ms=30000');
    const run = await api.createRun(thread, {
      assistant_id: assistant.id,
      additional_instructions: 'Rhyme.',
      metadata: { a: '1' },
      temperature: 0.2,
      max_completion_tokens: 300,
      truncation_strategy: { type: 'last_messages', last_messages: 3 },
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
      parallel_tool_calls: false,
      response_format: { type: 'json_schema', json_schema: { name: 'out', schema: { type: 'object' }, strict: true } },
    });
    expect(run).toMatchObject({
      object: 'thread.run',
      status: 'queued',
      thread_id: thread.id,
      assistant_id: assistant.id,
      model: 'gpt-4o',
      instructions: 'Be brief.\n\nRhyme.',
      tools: [weatherTool()],
      metadata: { a: '1' },
      usage: null,
      started_at: null,
      required_action: null,
      temperature: 0.2,
      top_p: 1,
      max_prompt_tokens: null,
      max_completion_tokens: 300,
      truncation_strategy: { type: 'last_messages', last_messages: 3 },
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
      parallel_tool_calls: false,
      response_format: { type: 'json_schema', json_schema: { name: 'out', schema: { type: 'object' }, strict: true } },
    });
    expect((run.expires_at ?? 0) - run.created_at).toBe(600);
    await api.cancel(run);
  });

  it('completes with its message, its step and its usage', async () => {
    const assistant = await api.createAssistant();
    const thread = await api.createThread('/usage input=20 output=5\n/say Hello there.');
    const run = await api.poll(await api.createRun(thread, { assistant_id: assistant.id }));
    expect(run).toMatchObject({
      status: 'completed',
      expires_at: null,
      last_error: null,
      incomplete_details: null,
      usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 },
    });
    expect(run.completed_at).toBeGreaterThanOrEqual(run.started_at ?? 0);
    const messages = await api.messages(thread, `?run_id=${run.id}`);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({
      role: 'assistant',
      status: 'completed',
      assistant_id: assistant.id,
      run_id: run.id,
      content: [{ type: 'text', text: { value: 'Hello there.', annotations: [] } }],
    });
    const steps = await api.steps(run);
    expect(steps).toMatchObject([
      {
        type: 'message_creation',
        status: 'completed',
        run_id: run.id,
        step_details: { type: 'message_creation', message_creation: { message_id: messages[0]?.id } },
        usage: run.usage,
      },
    ]);
    expect(await api.ok('GET', `${runPath(run)}/steps/${steps[0]?.id}`)).toEqual(steps[0]);
  });

  it('on a new thread has that thread, its messages and its metadata', async () => {
    const run = await api.ok<Run>('POST', '/threads/runs', {
      assistant_id: 'assistant',
      thread: { messages: [{ role: 'user', content: '/say Hi.' }], metadata: { topic: 'x' } },
    });
    expect((await api.poll(run)).status).toBe('completed');
    expect((await api.ok<Thread>('GET', `/threads/${run.thread_id}`)).metadata).toEqual({ topic: 'x' });
    const data = await api.messages({ id: run.thread_id });
    expect(data.map(textOfMessage)).toEqual(['/say Hi.', 'Hi.']);
  });

  it('takes additional messages, in their order and with their metadata, in the same step', async () => {
    const thread = await api.createThread('first');
    const run = await api.createRun(thread, {
      additional_messages: [
        { role: 'assistant', content: 'second', metadata: { n: '2' } },
        { role: 'user', content: [{ type: 'text', text: '/say fourth' }] },
      ],
    });
    await api.poll(run);
    const data = await api.messages(thread);
    expect(data.map(textOfMessage)).toEqual(['first', 'second', '/say fourth', 'fourth']);
    expect(data[1]).toMatchObject({ role: 'assistant', metadata: { n: '2' }, run_id: null, assistant_id: null });
  });

  it('keeps its metadata when asked, also after its end, and nothing else changes', async () => {
    const thread = await api.createThread('/say x');
    const run = await api.poll(await api.createRun(thread, { metadata: { a: '1' } }));
    const path = runPath(run);
    expect(await api.ok('POST', path, { metadata: { b: '2' } })).toEqual({ ...run, metadata: { b: '2' } });
    expect(await api.ok('POST', path, {})).toEqual({ ...run, metadata: { b: '2' } });
    expect(await api.refused('POST', path, { status: 'completed' })).toMatchObject({
      status: 400,
      code: 'unknown_parameter',
      param: 'status',
    });
  });

  it('fails with the provider’s error in OpenAI’s words', async () => {
    const failed = async (script: string) => {
      const thread = await api.createThread(script);
      return await api.poll(await api.createRun(thread));
    };
    const bad = await failed('/fail status=400');
    expect(bad).toMatchObject({ status: 'failed', last_error: { code: 'invalid_prompt' }, completed_at: null });
    expect(bad.failed_at).toBeGreaterThan(0);
    expect((await failed('/fail status=401')).last_error?.code).toBe('server_error');
  });

  it('tells a polling helper when to ask again: soon, while it is young', async () => {
    const thread = await api.createThread('/think ms=30000');
    const run = await api.createRun(thread);
    const path = runPath(run);
    const polled = await api.call('GET', path, undefined, { headers: { 'x-stainless-poll-helper': 'true' } });
    const ms = polled.headers.get('openai-poll-after-ms') ?? '';
    expect(ms).toMatch(/^\d+$/);
    expect(Number(ms)).toBeLessThanOrEqual(500);
    expect((await api.call('GET', path)).headers.get('openai-poll-after-ms')).toBeNull();
    await api.cancel(run);
  });

  it('keeps the version of its assistant that it began with', async () => {
    const assistant = await api.createAssistant({ instructions: 'One.' });
    const thread = await api.createThread('/say x');
    const run = await api.poll(await api.createRun(thread, { assistant_id: assistant.id }));
    await api.ok('POST', `/assistants/${assistant.id}`, { instructions: 'Two.' });
    expect((await api.getRun(run)).instructions).toBe('One.');
    const next = await api.poll(await api.createRun(thread, { assistant_id: assistant.id }));
    expect(next).toMatchObject({ instructions: 'Two.', assistant_id: assistant.id });
  });
});

describe('a cancel', () => {
  it('answers cancelling at once, ends the run and frees its thread', async () => {
    const thread = await api.createThread('/say Begin.\n/think ms=30000');
    const run = await api.createRun(thread);
    await api.hasSpoken(run);
    const path = runPath(run);
    expect(await api.cancel(run)).toMatchObject({
      id: run.id,
      status: 'cancelling',
      cancelled_at: null,
    });
    const cancelled = await api.poll(run);
    expect(cancelled).toMatchObject({ status: 'cancelled', last_error: null, failed_at: null });
    expect(cancelled.cancelled_at).toBeGreaterThan(0);
    await api.ok('POST', `/threads/${thread.id}/messages`, { role: 'user', content: 'free again' });
    expect(await api.messages(thread, `?run_id=${run.id}`)).toMatchObject([
      { status: 'incomplete', incomplete_details: { reason: 'run_cancelled' }, completed_at: null },
    ]);
    expect(await api.steps(run)).toMatchObject([{ status: 'cancelled', completed_at: null, usage: null }]);
    expect(await api.refused('POST', `${path}/cancel`)).toMatchObject({
      status: 400,
      message: "Cannot cancel run with status 'cancelled'.",
    });
  });

  it('of a completed run is refused', async () => {
    const thread = await api.createThread('/say x');
    const run = await api.poll(await api.createRun(thread));
    expect(await api.refused('POST', `${runPath(run)}/cancel`)).toMatchObject({
      status: 400,
      message: "Cannot cancel run with status 'completed'.",
    });
  });
});

describe('a busy thread', () => {
  it('refuses another run, messages and its deletion, naming the active run', async () => {
    const thread = await api.createThread('/think ms=30000');
    const run = await api.createRun(thread);
    expect(await api.refused('POST', `/threads/${thread.id}/runs`, { assistant_id: 'assistant' })).toEqual({
      status: 400,
      type: 'invalid_request_error',
      code: null,
      param: null,
      message: `Thread ${thread.id} already has an active run ${run.id}.`,
    });
    const message = { role: 'user', content: 'x' };
    expect((await api.refused('POST', `/threads/${thread.id}/messages`, message)).message).toBe(
      `Can't add messages to ${thread.id} while a run ${run.id} is active.`,
    );
    expect((await api.refused('DELETE', `/threads/${thread.id}`)).status).toBe(400);
    await api.cancel(run);
    await api.poll(run);
    expect(await api.ok('DELETE', `/threads/${thread.id}`)).toEqual({
      id: thread.id,
      object: 'thread.deleted',
      deleted: true,
    });
  });
});
