/** What the dialect refuses, and how. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStack, type Stack } from '../support/stack.ts';
import { type OpenAiClient, openAiClient } from './client.ts';

let stack: Stack;
let api: OpenAiClient;
let thread: string;
beforeAll(async () => {
  stack = await openStack({ worker: false });
  api = openAiClient(stack);
  thread = (await api.createThread('x')).id;
});
afterAll(async () => {
  await stack.close();
});

type Method = 'GET' | 'POST' | 'DELETE';
const run = (more: object) => ({ assistant_id: 'assistant', ...more });

describe('what is not built is refused by its name', () => {
  const message = (more: object) => ({ role: 'user', content: 'x', ...more });
  it.each<[string, Record<string, unknown>, string, string]>([
    ['/assistants', { model: 'demo', tools: [{ type: 'file_search' }] }, 'tools[0].type', 'file_search'],
    ['/assistants', { model: 'demo', tools: [{ type: 'code_interpreter' }] }, 'tools[0].type', 'code_interpreter'],
    [
      '/assistants',
      { model: 'demo', tool_resources: { file_search: { vector_store_ids: ['vs_1'] } } },
      'tool_resources.file_search',
      'file_search',
    ],
    [
      '/threads',
      { tool_resources: { code_interpreter: { file_ids: ['f'] } } },
      'tool_resources.code_interpreter',
      'code_interpreter',
    ],
    [
      '/threads',
      { messages: [message({ attachments: [{ file_id: 'f', tools: [] }] })] },
      'messages[0].attachments',
      'files',
    ],
    [
      '/threads/{t}/messages',
      message({ content: [{ type: 'image_file', image_file: { file_id: 'f' } }] }),
      'content[0].type',
      'image_file',
    ],
    ['/threads/{t}/runs', run({ tools: [{ type: 'file_search' }] }), 'tools[0].type', 'file_search'],
    ['/threads/{t}/runs', run({ tool_choice: { type: 'code_interpreter' } }), 'tool_choice.type', 'code_interpreter'],
    [
      '/threads/runs',
      run({ tool_resources: { file_search: { vector_store_ids: ['v'] } } }),
      'tool_resources.file_search',
      'file_search',
    ],
    [
      '/threads/runs',
      run({ thread: { messages: [message({ attachments: [{ file_id: 'f', tools: [] }] })] } }),
      'thread.messages[0].attachments',
      'files',
    ],
  ])('POST %s %j', async (path, body, param, name) => {
    const refused = await api.refused('POST', path.replace('{t}', thread), body);
    expect(refused).toMatchObject({ status: 400, type: 'invalid_request_error', param, code: 'invalid_value' });
    expect(refused.message).toContain(name);
  });

  it('and what is empty is nothing', async () => {
    const body = {
      tool_resources: { file_search: { vector_store_ids: [] } },
      messages: [message({ attachments: [] })],
    };
    await api.ok('POST', '/threads', body);
    await api.ok('POST', '/threads', { tool_resources: null, messages: [message({ attachments: null })] });
  });
});

describe('an unknown id', () => {
  it.each<[Method, string, string]>([
    ['GET', '/assistants/asst_x', "No assistant found with id 'asst_x'."],
    ['GET', '/threads/thread_x', "No thread found with id 'thread_x'."],
    ['POST', '/threads/thread_x', "No thread found with id 'thread_x'."],
    ['DELETE', '/threads/thread_x', "No thread found with id 'thread_x'."],
    ['GET', '/threads/thread_x/messages', "No thread found with id 'thread_x'."],
    ['GET', '/threads/thread_x/runs', "No thread found with id 'thread_x'."],
    ['GET', '/threads/thread_x/runs/run_x', "No thread found with id 'thread_x'."],
    ['GET', '/threads/{t}/messages/msg_x', "No message found with id 'msg_x'."],
    ['GET', '/threads/{t}/runs/run_x', "No run found with id 'run_x'."],
    ['POST', '/threads/{t}/runs/run_x', "No run found with id 'run_x'."],
    ['POST', '/threads/{t}/runs/run_x/cancel', "No run found with id 'run_x'."],
    ['GET', '/threads/{t}/runs/run_x/steps', "No run found with id 'run_x'."],
    ['GET', '/threads/{t}/runs/run_x/steps/step_x', "No run found with id 'run_x'."],
  ])('%s %s: %s', async (method, path, message) => {
    const body = method === 'POST' ? {} : undefined;
    expect(await api.refused(method, path.replace('{t}', thread), body)).toEqual({
      status: 404,
      type: 'invalid_request_error',
      code: null,
      param: null,
      message,
    });
  });

  it('of a step, of a run that is there', async () => {
    const made = await api.createRun(await api.createThread('x'));
    const path = `/threads/${made.thread_id}/runs/${made.id}/steps/step_x`;
    expect((await api.refused('GET', path)).message).toBe("No run step found with id 'step_x'.");
    expect((await api.refused('GET', `/threads/${thread}/runs/${made.id}`)).status).toBe(404);
  });

  it('is one of another organisation too', async () => {
    const made = await api.createRun(await api.createThread('x'));
    const other = { key: stack.otherKey };
    for (const path of ['', '/messages', '/runs', `/runs/${made.id}`, `/runs/${made.id}/steps`]) {
      const refused = await api.refused('GET', `/threads/${made.thread_id}${path}`, undefined, other);
      expect(refused).toMatchObject({ status: 404, message: `No thread found with id '${made.thread_id}'.` });
    }
    const assistant = await api.createAssistant();
    expect((await api.refused('GET', `/assistants/${assistant.id}`, undefined, other)).status).toBe(404);
    const run = { assistant_id: assistant.id };
    expect((await api.refused('POST', '/threads/runs', run, other)).status).toBe(404);
  });
});

describe('a query', () => {
  it.each<[string, string, string]>([
    ['limit=0', 'limit', 'invalid_value'],
    ['limit=101', 'limit', 'invalid_value'],
    ['limit=ten', 'limit', 'invalid_type'],
    ['order=up', 'order', 'invalid_value'],
    ['after=msg_x', 'after', 'invalid_value'],
    ['before=msg_x', 'before', 'invalid_value'],
    ['colour=red', 'colour', 'unknown_parameter'],
  ])('?%s is refused', async (query, param, code) => {
    const refused = { status: 400, param, code };
    expect(await api.refused('GET', `/threads/${thread}/messages?${query}`)).toMatchObject(refused);
    if (!query.includes('msg_x')) expect(await api.refused('GET', `/assistants?${query}`)).toMatchObject(refused);
  });

  it('names what to include in brackets, as the SDKs write it', async () => {
    const made = await api.createRun(await api.createThread('x'));
    const steps = `/threads/${made.thread_id}/runs/${made.id}/steps`;
    const name = encodeURIComponent('step_details.tool_calls[*].file_search.results[*].content');
    await api.ok('GET', `${steps}?include[]=${name}&limit=5`);
    expect(await api.refused('GET', `${steps}?include[]=everything`)).toMatchObject({ status: 400, param: 'include' });
  });
});

describe('an error', () => {
  it('of a model that no route serves names those that there are', async () => {
    const refused = { status: 400, param: 'model', code: 'model_not_found', type: 'invalid_request_error' };
    expect(await api.refused('POST', '/assistants', { model: 'gpt-9' })).toMatchObject({
      ...refused,
      message: "The model 'gpt-9' does not exist. There are: demo.",
    });
    expect(await api.refused('POST', `/threads/${thread}/runs`, run({ model: 'gpt-9' }))).toMatchObject(refused);
  });

  it('of a tool choice or a truncation that cannot be meant says so', async () => {
    const named = { type: 'function', function: { name: 'nobody' } };
    expect(await api.refused('POST', `/threads/${thread}/runs`, run({ tool_choice: named }))).toMatchObject({
      status: 400,
      param: 'tool_choice.function.name',
    });
    const strategy = { truncation_strategy: { type: 'last_messages' } };
    expect(await api.refused('POST', `/threads/${thread}/runs`, run(strategy))).toMatchObject({
      status: 400,
      param: 'truncation_strategy.last_messages',
      code: 'missing_required_parameter',
    });
  });

  it('of an address that is none, or has no such method, is a 404 in OpenAI’s form', async () => {
    for (const [method, path] of [
      ['GET', '/nothing'],
      ['POST', '/chat/completions'],
      ['DELETE', '/assistants'],
    ] as const) {
      const refused = await api.refused(method, path, method === 'POST' ? {} : undefined);
      expect(refused).toMatchObject({ status: 404, type: 'invalid_request_error', param: null, code: null });
    }
  });

  it('of a key has OpenAI’s form and its request’s id', async () => {
    const wrong = await api.call('GET', '/models', undefined, { key: 'sk-wrong' });
    expect(wrong).toMatchObject({ status: 401, body: { error: { code: 'invalid_api_key' } } });
    expect(wrong.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
    const none = await api.call('GET', '/models', undefined, { headers: { authorization: '' } });
    expect(none).toMatchObject({ status: 401, body: { error: { code: null, type: 'invalid_request_error' } } });
    const { token } = await stack.makeKey({ org: 'org_a', scopes: ['runs:read'] });
    expect((await api.refused('POST', '/threads', {}, { key: token })).status).toBe(403);
  });

  it('of a body that is no JSON, or holds what cannot be stored, is a 400', async () => {
    const raw = await stack.app.request('/openai/v1/threads', {
      method: 'POST',
      body: '{"metadata":',
      headers: { authorization: `Bearer ${stack.key}` },
    });
    expect(raw.status).toBe(400);
    expect(await raw.json()).toMatchObject({ error: { type: 'invalid_request_error', code: null } });
    const body = { messages: [{ role: 'user', content: 'a\0b' }] };
    expect(await api.refused('POST', '/threads', body)).toMatchObject({ status: 400, param: 'messages[0].content' });
  });
});

it('an `OpenAI-Beta` header is accepted, and every answer has its request’s id', async () => {
  const headers = { 'OpenAI-Beta': 'assistants=v2' };
  const answer = await api.call('GET', '/assistants', undefined, { headers });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
});
