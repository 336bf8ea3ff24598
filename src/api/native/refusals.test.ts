/** What each endpoint refuses before the core hears of it: any call of the core fails the test. */
import { describe, expect, it } from 'vitest';
import { testApp } from '../test-app.ts';

const { send } = testApp();
const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));
const tool = (definition: object) => ({ tools: [{ type: 'function', function: definition }] });
const text = (it: string) => [{ type: 'text', text: it }];
const image = (url: unknown, more = {}) => [{ type: 'image_url', image_url: { url, ...more } }];

type Failure = { code: string; message: string; details: { issues: { path: string; message: string }[] } };
const failure = async (response: Response) => (await response.json()) as Failure;

/** Body → the paths of its issues. */
const runBodies: [unknown, string[]][] = [
  [[], ['']],
  [{ nothing: 1 }, ['nothing']],
  [{ input: '' }, ['input']],
  [{ input: 7 }, ['input']],
  [{ input: null }, ['input']],
  [{ input: [] }, ['input']],
  [{ input: text('') }, ['input.0.text']],
  [{ input: [{ type: 'text', text: 'x', extra: 1 }] }, ['input.0.extra']],
  [{ input: [{ type: 'audio' }] }, ['input.0.type']],
  [{ input: image('file:///etc/passwd') }, ['input.0.image_url.url']],
  [{ input: image('https://x.test/a.png', { detail: 'huge' }) }, ['input.0.image_url.detail']],
  [{ route_id: '' }, ['route_id']],
  [{ model: 5 }, ['model']],
  [{ persona_id: 'a\nb' }, ['persona_id']],
  [{ instructions: 5 }, ['instructions']],
  [{ tools: 'x' }, ['tools']],
  [{ tools: [''] }, ['tools.0']],
  [{ tools: [1] }, ['tools.0']],
  [{ tools: Array.from({ length: 129 }, () => 't') }, ['tools']],
  [tool({ name: 'a b' }), ['tools.0.function.name']],
  [tool({}), ['tools.0.function.name']],
  [tool({ name: 'a', parameters: [] }), ['tools.0.function.parameters']],
  [tool({ name: 'a', code: '' }), ['tools.0.function.code']],
  [{ metadata: pairs(17) }, ['metadata']],
  [{ metadata: { ['k'.repeat(65)]: 'v' } }, [`metadata.${'k'.repeat(65)}`]],
  [{ metadata: { '': 'v' } }, ['metadata.']],
  [{ metadata: { k: 'v'.repeat(513) } }, ['metadata.k']],
  [{ metadata: { k: 1 } }, ['metadata.k']],
  [{ metadata: [] }, ['metadata']],
  [{ budget: { max_turns: 0 } }, ['budget.max_turns']],
  [{ budget: { max_turns: 1.5 } }, ['budget.max_turns']],
  [{ budget: { max_turns: '3' } }, ['budget.max_turns']],
  [{ budget: { max_tokens: 1e30 } }, ['budget.max_tokens']],
  [{ budget: { max_cost_usd: 0 } }, ['budget.max_cost_usd']],
  [{ budget: { timeout_s: -1 } }, ['budget.timeout_s']],
  [{ budget: { timeout_s: 1e9 } }, ['budget.timeout_s']],
  [{ budget: { on_exceeded: 'panic' } }, ['budget.on_exceeded']],
  [{ budget: { max_steps: 1, max_turns: 0 } }, ['budget.max_turns', 'budget.max_steps']],
];

const bodies: [string, string, [unknown, string[]][]][] = [
  [
    'POST',
    '/v1/threads',
    [
      [{ title: 5 }, ['title']],
      [{ title: 'x'.repeat(513) }, ['title']],
      [{ metadata: pairs(17) }, ['metadata']],
      [{ name: 'x' }, ['name']],
    ],
  ],
  [
    'PATCH',
    '/v1/threads/thread_1',
    [
      [{ title: 5 }, ['title']],
      [{ metadata: null }, ['metadata']],
      [{ id: 'thread_2' }, ['id']],
    ],
  ],
  [
    'POST',
    '/v1/threads/thread_1/messages',
    [
      [{}, ['content']],
      [{ content: '' }, ['content']],
      [{ content: [] }, ['content']],
      [{ content: text('') }, ['content.0.text']],
      [{ content: 'x', role: 'system' }, ['role']],
      [{ content: 'x', metadata: {} }, ['metadata']],
    ],
  ],
  ['POST', '/v1/threads/thread_1/runs', runBodies],
  ['POST', '/v1/runs', runBodies],
  ['POST', '/v1/runs/run_1:cancel', [[{ reason: 'x' }, ['reason']]]],
  [
    'POST',
    '/v1/runs/run_1/input',
    [
      [{}, ['content']],
      [{ content: 5 }, ['content']],
      [{ request_id: 'input_1' }, ['content']],
      [{ content: 'x', request_id: '' }, ['request_id']],
      [{ tool_outputs: [] }, ['tool_outputs']],
      [{ tool_outputs: [{ call_id: 'c' }] }, ['tool_outputs.0.output']],
      [{ tool_outputs: [{ call_id: 'c', output: { a: 1 } }] }, ['tool_outputs.0.output']],
      [{ tool_outputs: [{ call_id: 'c', output: '', error: '' }] }, ['tool_outputs.0.error']],
      [{ content: 'x', text: 'x' }, ['text']],
    ],
  ],
  [
    'POST',
    '/v1/personas',
    [
      [{}, ['key']],
      [{ key: 'a@1' }, ['key']],
      [{ key: 'a/b' }, ['key']],
      [{ key: 'a:b' }, ['key']],
      [{ key: '~a' }, ['key']],
      [{ key: 'a b' }, ['key']],
      [{ key: '' }, ['key']],
      [{ key: 'a'.repeat(65) }, ['key']],
      [{ key: 'a', tools: [{}] }, ['tools.0']],
      [{ key: 'a', approval: { t: 'sometimes' } }, ['approval.t']],
      [{ key: 'a', budget: { max_turns: 0 } }, ['budget.max_turns']],
      [{ key: 'a', input_timeout_s: 0 }, ['input_timeout_s']],
      [{ key: 'a', version: 3 }, ['version']],
    ],
  ],
];

describe.each(bodies)('%s %s', (method, path, cases) => {
  it.each(cases)('refuses %j', async (body, paths) => {
    const response = await send(path, { method, body });
    expect(response.status).toBe(422);
    const { code, message, details } = await failure(response);
    expect(code).toBe('validation.failed');
    expect(details.issues.map((issue) => issue.path)).toEqual(paths);
    expect(message).toContain(paths[0]);
    for (const issue of details.issues) expect(issue.message.length).toBeGreaterThan(5);
  });

  it('refuses an unknown query parameter', async () => {
    const response = await send(`${path}?dry_run=1`, { method, raw: '{}' });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      message: 'dry_run: Unknown query parameter',
      details: { issues: [{ path: 'dry_run' }] },
    });
  });

  it('refuses what is no JSON', async () => {
    const response = await send(path, { method, raw: '{' });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'http.bad_json' });
  });
});

it.each([
  ['PATCH', '/v1/threads/thread_1'],
  ['POST', '/v1/threads/thread_1/messages'],
  ['POST', '/v1/runs/run_1/input'],
  ['POST', '/v1/personas'],
])('%s %s needs a body', async (method, path) => {
  const response = await send(path, { method, raw: '' });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ code: 'http.bad_json' });
});

const listQueries: [string, string][] = [
  ['limit=0', 'limit'],
  ['limit=201', 'limit'],
  ['limit=abc', 'limit'],
  ['limit=-1', 'limit'],
  ['limit=1.5', 'limit'],
  ['limit=0x10', 'limit'],
  ['limit=', 'limit'],
  ['limit=99999999999999999999', 'limit'],
  ['limit=1&limit=2', 'limit'],
  ['before=', 'before'],
  ['before=a%00b', 'before'],
  ['page=2', 'page'],
];

const queries: [string, [string, string][]][] = [
  ['/v1/threads', listQueries],
  ['/v1/threads/thread_1/messages', [...listQueries, ['after=', 'after'], ['before=msg_1&after=msg_2', 'after']]],
  ['/v1/threads/thread_1/runs', [...listQueries, ['status=queued', 'status']]],
  [
    '/v1/runs',
    [
      ...listQueries,
      ['status=done', 'status'],
      ['status=', 'status'],
      ['thread_id=a b', 'thread_id'],
      ['persona_id=', 'persona_id'],
      ['model=', 'model'],
      ['since=yesterday', 'since'],
      ['since=2026-13-01T00:00:00Z', 'since'],
      ['until=2026-01-01', 'until'],
      ['until=2026-01-01T00:00:00', 'until'],
      ['parent_run_id=%00', 'parent_run_id'],
      ['org_id=org_b', 'org_id'],
    ],
  ],
  ['/v1/inputs', listQueries],
  ['/v1/personas', [['limit=0', 'limit']]],
  ['/v1/routes', [['limit=1', 'limit']]],
  [
    '/v1/runs/run_1',
    [
      ['include=dead', 'include'],
      ['include=', 'include'],
      ['expand=1', 'expand'],
    ],
  ],
  ['/v1/threads/thread_1', [['include=live', 'include']]],
  [
    '/v1/runs/run_1/events',
    [
      ['after_seq=-1', 'after_seq'],
      ['after_seq=abc', 'after_seq'],
      ['after_seq=1.0', 'after_seq'],
      ['after_seq=', 'after_seq'],
      ['after_seq=1e3', 'after_seq'],
      ['after_seq=99999999999999999999', 'after_seq'],
      ['follow=no', 'follow'],
      ['follow=', 'follow'],
      ['limit=1', 'limit'],
    ],
  ],
];

describe.each(queries)('GET %s', (path, cases) => {
  it.each(cases)('refuses ?%s', async (query, at) => {
    const response = await send(`${path}?${query}`);
    expect(response.status).toBe(422);
    const { code, details } = await failure(response);
    expect(code).toBe('validation.failed');
    expect(details.issues[0]?.path).toBe(at);
  });
});

it.each([
  ['GET', '/v1/threads/a%00b', 'threads.not_found'],
  ['GET', '/v1/threads/a%2Fb', 'threads.not_found'],
  ['DELETE', `/v1/threads/${'t'.repeat(129)}`, 'threads.not_found'],
  ['GET', "/v1/runs/'%20OR%201=1", 'runs.not_found'],
  ['POST', '/v1/runs/a.b:cancel', 'runs.not_found'],
  ['POST', '/v1/runs/a.b/input', 'runs.not_found'],
  ['GET', '/v1/runs/a.b/events', 'runs.not_found'],
  ['GET', '/v1/personas/a@latest', 'personas.not_found'],
  ['GET', '/v1/personas/a@0', 'personas.not_found'],
  ['GET', '/v1/personas/a@1@2', 'personas.not_found'],
])('%s %s names nothing: %s', async (method, path, code) => {
  const response = await send(path, { method });
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ code });
});
