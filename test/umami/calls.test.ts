/** UmamiAI's API used alone: every path that it has, and how it refuses. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DialectClient, dialectClient, type Method, outputOf, runPath, weatherTool } from '../dialects/client.ts';
import { openStack, type Stack } from '../support/stack.ts';

let stack: Stack;
let api: DialectClient;
beforeAll(async () => {
  stack = await openStack();
  api = dialectClient(stack, '/umami/v1');
});
afterAll(async () => {
  await stack.close();
});

it('takes a client from its assistant to the last message', async () => {
  const assistant = await api.createAssistant({ name: 'Weatherman', tools: [weatherTool] });
  expect(await api.ok('GET', `/assistants/${assistant.id}`)).toMatchObject({ id: assistant.id, name: 'Weatherman' });
  expect(await api.ok('POST', `/assistants/${assistant.id}`, { name: 'Prophet' })).toMatchObject({ name: 'Prophet' });
  expect(await api.ok('GET', '/assistants')).toMatchObject({ object: 'list', data: [{ id: assistant.id }, {}] });
  expect(await api.ok('GET', '/models')).toMatchObject({ data: [{ id: 'demo' }] });

  const thread = await api.createThread();
  expect(await api.ok('GET', `/threads/${thread.id}`)).toEqual(thread);
  expect(await api.ok('POST', `/threads/${thread.id}`, { metadata: { a: '1' } })).toMatchObject({ id: thread.id });
  const messages = `/threads/${thread.id}/messages`;
  const message = await api.ok<{ id: string }>('POST', messages, { role: 'user', content: '/tool get_weather' });
  expect(await api.ok('GET', `${messages}/${message.id}`)).toEqual(message);
  expect(await api.ok('POST', `${messages}/${message.id}`, {})).toEqual(message);

  const run = await api.poll(await api.createRun(thread, { assistant_id: assistant.id }));
  expect(await api.ok('POST', `${runPath(run)}/submit_tool_outputs`, outputOf(run, 'sun'))).toMatchObject({
    id: run.id,
    status: 'queued',
  });
  await api.poll(run);
  const steps = await api.ok<{ data: { id: string }[] }>('GET', `${runPath(run)}/steps`);
  expect(steps.data).toHaveLength(2);
  expect(await api.ok('GET', `${runPath(run)}/steps/${steps.data[0]?.id}`)).toEqual(steps.data[0]);
  const told = await api.ok<{ data: object[] }>('GET', messages);
  expect(told.data[0]).toMatchObject({ role: 'assistant', run_id: run.id, assistant_id: assistant.id });

  expect(await api.ok('DELETE', `${messages}/${message.id}`)).toMatchObject({ deleted: true });
  expect(await api.ok('DELETE', `/threads/${thread.id}`)).toMatchObject({ deleted: true });
  expect(await api.ok('DELETE', `/assistants/${assistant.id}`)).toMatchObject({ deleted: true });
  expect(await api.refused('GET', runPath(run))).toMatchObject({ status: 404 });
});

it('makes a thread and its run in one', async () => {
  const thread = { messages: [{ role: 'user', content: '/say Hello.' }] };
  const run = await api.ok<{ id: string; thread_id: string }>('POST', '/threads/runs', {
    assistant_id: 'assistant',
    thread,
  });
  expect((await api.poll(run)).status).toBe('completed');
});

describe('it refuses', () => {
  it('a run without an assistant, or of one that is not there', async () => {
    const path = `/threads/${(await api.createThread()).id}/runs`;
    expect(await api.refused('POST', path, {})).toEqual({
      status: 400,
      message: "Missing required parameter: 'assistant_id'.",
      type: 'invalid_request_error',
      param: 'assistant_id',
      code: 'missing_required_parameter',
    });
    expect(await api.refused('POST', path, { assistant_id: 'asst_x' })).toMatchObject({
      status: 404,
      message: "No assistant found with id 'asst_x'.",
    });
    expect(await api.refused('POST', path, { assistant_id: 'assistant', colour: 'red' })).toMatchObject({
      status: 400,
      param: 'colour',
      code: 'unknown_parameter',
    });
  });

  it('a run on a thread that has one, with 400', async () => {
    const thread = await api.createThread('/think ms=30000');
    const run = await api.createRun(thread);
    expect(await api.refused('POST', `/threads/${thread.id}/runs`, { assistant_id: 'assistant' })).toMatchObject({
      status: 400,
      message: `Thread ${thread.id} already has an active run ${run.id}.`,
    });
    await api.cancel(run);
  });

  it.each<[Method, string]>([
    ['GET', ''],
    ['GET', '/nothing'],
    ['GET', '/threads'],
    ['DELETE', '/threads/thread_x/runs/run_x'],
    ['PATCH', '/threads/thread_x'],
  ])('%s %s, which it does not know, in OpenAI’s form', async (method, path) => {
    expect(await api.refused(method, path)).toMatchObject({
      status: 404,
      type: 'invalid_request_error',
      param: null,
      code: null,
    });
  });

  it('what is another organisation’s', async () => {
    const run = await api.createRun(await api.createThread('/say Hello.'));
    const message = `No thread found with id '${run.thread_id}'.`;
    const other = { key: stack.otherKey };
    const asked: [Method, string, object?][] = [
      ['GET', `/threads/${run.thread_id}/runs`],
      ['POST', `/threads/${run.thread_id}/runs`, { assistant_id: 'assistant' }],
      ['GET', runPath(run)],
      ['POST', runPath(run), {}],
      ['POST', `${runPath(run)}/cancel`],
      ['POST', `${runPath(run)}/submit_tool_outputs`, { tool_outputs: [] }],
    ];
    for (const [method, path, body] of asked) {
      expect([path, await api.refused(method, path, body, other)]).toMatchObject([path, { status: 404, message }]);
    }
  });

  it('a caller without a key, or without the scope', async () => {
    const missing = await stack.app.request('/umami/v1/threads', { method: 'POST' });
    expect([missing.status, await missing.json()]).toMatchObject([401, { error: { type: 'invalid_request_error' } }]);
    const { token } = await stack.makeKey({ org: 'org_a', scopes: ['runs:read'] });
    expect((await api.refused('POST', '/threads', {}, { key: token })).status).toBe(403);
  });
});

it('names each answer by its trace', async () => {
  const { headers } = await api.call('GET', '/models');
  expect(headers.get('x-request-id')).toBe(`req_${headers.get('x-trace-id')}`);
});
