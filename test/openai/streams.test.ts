/** Streams: views of the run's journal, whoever reads them and however often. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsToEnd } from '../support/events.ts';
import { openStack, type Stack } from '../support/stack.ts';
import {
  callsOf,
  checkedFrames,
  dataOf,
  type Message,
  names,
  type OpenAiClient,
  openAiClient,
  type Run,
  runPath,
  type Step,
  type Thread,
  textOf,
  textOfMessage,
  toolOutputs,
  weatherTool,
} from './client.ts';

let stack: Stack;
let api: OpenAiClient;
beforeAll(async () => {
  stack = await openStack();
  api = openAiClient(stack);
});
afterAll(async () => {
  await stack.close();
});

const MESSAGE = [
  'thread.run.step.created',
  'thread.run.step.in_progress',
  'thread.message.created',
  'thread.message.in_progress',
  'thread.message.delta',
  'thread.message.completed',
  'thread.run.step.completed',
];

describe('the stream of a create', () => {
  it('tells the whole run, and says what reading it afterwards says', async () => {
    const thread = await api.createThread('/say one two three');
    const frames = await api.stream(`/threads/${thread.id}/runs`, { assistant_id: 'assistant' });
    expect(names(frames)).toEqual([
      'thread.run.created',
      'thread.run.queued',
      'thread.run.in_progress',
      ...MESSAGE,
      'thread.run.completed',
    ]);
    expect(textOf(frames)).toBe('one two three');
    const run = dataOf<Run>(frames, 'thread.run.completed');
    expect(run).toEqual(await api.getRun(run));
    const [, message] = await api.messages(thread);
    expect(dataOf<Message>(frames, 'thread.message.completed')).toEqual(message);
    expect(await api.steps(run)).toEqual([dataOf<Step>(frames, 'thread.run.step.completed')]);
    const created = dataOf<Message>(frames, 'thread.message.created');
    expect(created).toMatchObject({
      id: message?.id,
      created_at: message?.created_at,
      status: 'in_progress',
      content: [],
    });
  });

  it('with a new thread begins with that thread', async () => {
    const body = { assistant_id: 'assistant', thread: { messages: [{ role: 'user', content: '/say Hi.' }] } };
    const frames = await api.stream('/threads/runs', body);
    expect(names(frames)[0]).toBe('thread.created');
    const thread = dataOf<Thread>(frames, 'thread.created');
    expect(dataOf<Run>(frames, 'thread.run.created').thread_id).toBe(thread.id);
    expect(names(frames).at(-1)).toBe('thread.run.completed');
  });

  it('has no ids, no retry times, and no blank line after a ping', async () => {
    const thread = await api.createThread('/say one');
    const sent = { body: { assistant_id: 'assistant', stream: true } };
    const response = await stack.send('POST', `/openai/v1/threads/${thread.id}/runs`, sent);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const text = await response.text();
    expect(text).not.toMatch(/^(id|retry):/m);
    expect(text.endsWith('event: done\ndata: [DONE]\n\n')).toBe(true);
    checkedFrames(text);
  });

  it('ends with the failure of a run that fails, and with what was said as incomplete', async () => {
    const thread = await api.createThread('/say Half\n/fail status=400');
    const frames = await api.stream(`/threads/${thread.id}/runs`, { assistant_id: 'assistant' });
    expect(names(frames).slice(-3)).toEqual([
      'thread.message.incomplete',
      'thread.run.step.failed',
      'thread.run.failed',
    ]);
    expect(dataOf<Run>(frames, 'thread.run.failed')).toMatchObject({ last_error: { code: 'invalid_prompt' } });
    const incomplete = dataOf<Message>(frames, 'thread.message.incomplete');
    expect(incomplete).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'run_failed' } });
    expect((await api.messages(thread)).at(-1)).toEqual(incomplete);
  });

  it('of a turn that is tried again gives up its message, and tells another; the void one is not listed', async () => {
    const thread = await api.createThread('/say Half\n/fail status=503\n/say whole');
    const frames = await api.stream(`/threads/${thread.id}/runs`, { assistant_id: 'assistant' });
    const messages = frames.filter((frame) => frame.event === 'thread.message.created').map((frame) => frame.data.id);
    expect(new Set(messages).size).toBe(2);
    expect(names(frames)).toContain('thread.run.step.failed');
    const run = dataOf<Run>(frames, 'thread.run.completed');
    const listed = await api.messages(thread, `?run_id=${run.id}`);
    expect(listed.map((it) => it.id)).toEqual([messages[1]]);
    expect(listed.map(textOfMessage)).toEqual(['Half\nwhole']);
    const steps = await api.steps(run);
    expect(steps.map((step) => step.status)).toEqual(['failed', 'completed']);
    expect(steps[0]).toEqual(dataOf<Step>(frames, 'thread.run.step.failed'));
  });

  it('goes on without its reader: a run that nobody watches any more ends all the same', async () => {
    const thread = await api.createThread('/stream chunks=30 delay_ms=5');
    const reader = await api.open(`/threads/${thread.id}/runs`, { assistant_id: 'assistant' });
    const first = new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    const id = /"id":"(run_[^"]+)"/.exec(first)?.[1] ?? '';
    const run = await api.poll({ id, thread_id: thread.id });
    expect(run.status).toBe('completed');
    const [, answer] = await api.messages(thread);
    expect(answer && textOfMessage(answer)).toMatch(/^word1 .* word30$/);
  });

  it('is told to its reader that the server closed it, when the key is revoked', async () => {
    const { token, id } = await stack.makeKey({ org: 'org_a' });
    const thread = await api.createThread('/think ms=20000');
    const sent = { key: token, body: { assistant_id: 'assistant', stream: true } };
    const response = await stack.send('POST', `/openai/v1/threads/${thread.id}/runs`, sent);
    await stack.revokeKey(id);
    const text = await response.text();
    const error = /event: error\ndata: (.*)\n\n$/.exec(text)?.[1] ?? 'null';
    expect(JSON.parse(error)).toMatchObject({ error: { type: 'server_error', param: null, code: null } });
    const run = { id: /"id":"(run_[^"]+)"/.exec(text)?.[1] ?? '', thread_id: thread.id };
    await api.cancel(await api.getRun(run));
  });
});

describe('tools in streams', () => {
  it('of a submit that answers several requests begins with the completed step and ends with the run', async () => {
    await stack.send('POST', '/v1/personas', { body: { key: 'asker', tools: ['ask_user'] } });
    const thread = await api.createThread('/parallel\n/ask Why?\n/tool get_weather {}\n/ask When?');
    const body = { assistant_id: 'asker', tools: [weatherTool()] };
    const waiting = await api.poll(await api.createRun(thread, body));
    const outputs = Object.fromEntries(callsOf(waiting).map((call) => [call.id, `for ${call.function.name}`]));
    const path = `${runPath(waiting)}/submit_tool_outputs`;
    const frames = await api.stream(path, toolOutputs(outputs));
    expect(names(frames)).toEqual([
      'thread.run.step.completed',
      'thread.run.queued',
      'thread.run.in_progress',
      ...MESSAGE,
      'thread.run.completed',
    ]);
    expect(await api.stream(path, toolOutputs(outputs))).toEqual(frames);
  });

  it('requires action, ends, and the submit’s stream goes on from the completed step', async () => {
    const assistant = await api.createAssistant({ tools: [weatherTool()] });
    const thread = await api.createThread(
      '/say Let me see.\n/parallel\n/tool get_weather {"city":"Oslo"}\n/tool get_weather {"city":"Rome"}',
    );
    const frames = await api.stream(`/threads/${thread.id}/runs`, { assistant_id: assistant.id });
    expect(names(frames)).toEqual([
      'thread.run.created',
      'thread.run.queued',
      'thread.run.in_progress',
      ...MESSAGE,
      'thread.run.step.created',
      'thread.run.step.in_progress',
      'thread.run.step.delta',
      'thread.run.requires_action',
    ]);
    const waiting = dataOf<Run>(frames, 'thread.run.requires_action');
    expect(waiting).toEqual(await api.getRun(waiting));
    const calls = callsOf(waiting);
    expect(calls.map((call) => call.function)).toEqual([
      { name: 'get_weather', arguments: '{"city":"Oslo"}' },
      { name: 'get_weather', arguments: '{"city":"Rome"}' },
    ]);
    const outputs = Object.fromEntries(calls.map((call, i) => [call.id, ['rain', 'sun'][i] ?? '']));
    const path = `${runPath(waiting)}/submit_tool_outputs`;
    const rest = await api.stream(path, toolOutputs(outputs));
    expect(names(rest)).toEqual([
      'thread.run.step.completed',
      'thread.run.queued',
      'thread.run.in_progress',
      ...MESSAGE,
      'thread.run.completed',
    ]);
    expect(rest[0]?.data).toMatchObject({
      type: 'tool_calls',
      status: 'completed',
      step_details: { tool_calls: [{ function: { output: 'rain' } }, { function: { output: 'sun' } }] },
    });
    expect(textOf(rest)).toBe('Done. get_weather returned rain; get_weather returned sun');
    const run = dataOf<Run>(rest, 'thread.run.completed');
    const steps = await api.steps(run);
    expect(steps.map((step) => step.type)).toEqual(['message_creation', 'tool_calls', 'message_creation']);
    expect(steps[1]).toEqual(rest[0]?.data);
    const sum = steps.reduce((total, step) => total + (step.usage?.total_tokens ?? 0), 0);
    expect(sum).toBe(run.usage?.total_tokens);
    // The same request once more, as an SDK sends it that lost the answer: the same stream.
    expect(await api.stream(path, toolOutputs(outputs))).toEqual(rest);
  });

  it('a run made here is read by the native API, event by event', async () => {
    const thread = await api.createThread('/say Hi.');
    const frames = await api.stream(`/threads/${thread.id}/runs`, { assistant_id: 'assistant' });
    const events = await eventsToEnd(stack, dataOf<Run>(frames, 'thread.run.completed').id);
    expect(events.at(-1)?.data.output).toBe(textOf(frames));
  });
});
