/** What Minds refuses, in OpenAI's form. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DialectClient, dialectClient } from '../dialects/client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { newName } from './run-fields.ts';

let stack: Stack;
let api: DialectClient;
beforeAll(async () => {
  stack = await openStack({ temporal: 'none' });
  api = dialectClient(stack, '/minds');
});
afterAll(async () => {
  await stack.close();
});

describe('wrong input', () => {
  const run = (more: object) => ({ assistant_id: 'assistant', ...more });
  it.each<[string, unknown, string, string]>([
    ['no body', undefined, 'assistant_id', 'missing_required_parameter'],
    ['an unknown field', run({ colour: 'red' }), 'colour', 'unknown_parameter'],
    ['an unknown model', run({ model: 'gpt-9' }), 'model', 'model_not_found'],
    ['a number for instructions', run({ instructions: 7 }), 'instructions', 'invalid_type'],
    ['a text for tools', run({ tools: 'all' }), 'tools', 'invalid_type'],
    ['a tool that is not built', run({ tools: [{ type: 'file_search' }] }), 'tools[0].type', 'invalid_value'],
    ['a number for the assistant', { assistant_id: 7 }, 'assistant_id', 'invalid_type'],
  ])('%s is refused, whether the run is named or not', async (_what, body, param, code) => {
    const path = `/threads/${(await api.createThread('x')).id}/runs`;
    const refused = { status: 400, type: 'invalid_request_error', param, code };
    expect(await api.refused('POST', path, body)).toMatchObject(refused);
    expect(await api.refused('POST', `${path}/${newName()}`, body)).toMatchObject(refused);
  });

  it('that is no object, or not JSON, is refused', async () => {
    const path = `/threads/${(await api.createThread('x')).id}/runs`;
    expect(await api.refused('POST', path, [])).toMatchObject({ status: 400, code: 'invalid_type' });
    const response = await stack.app.request(`/minds${path}`, {
      method: 'POST',
      body: '{',
      headers: { authorization: `Bearer ${stack.key}` },
    });
    expect([response.status, await response.json()]).toMatchObject([400, { error: { type: 'invalid_request_error' } }]);
  });

  it.each([
    ['GET', ''],
    ['GET', '/v1/threads'],
    ['GET', '/nothing'],
    ['DELETE', '/threads/mdb_thread_x/runs/mdb_run_x'],
  ] as const)('%s %s is not known, in OpenAI’s form', async (method, path) => {
    const refused = await api.refused(method, path);
    expect(refused).toMatchObject({ status: 404, type: 'invalid_request_error', param: null, code: null });
  });

  it('without a key is refused in OpenAI’s form', async () => {
    const response = await stack.app.request('/minds/threads', { method: 'POST' });
    expect([response.status, await response.json()]).toMatchObject([401, { error: { type: 'invalid_request_error' } }]);
  });
});
