/** Commands that run beside a server on its data: keys, migrate, doctor. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEST_KEY } from '../support/run-holdfast.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { postRun, watch } from './reader.ts';

/** The native contract: a ping at least every 15 s, and with it the look at the key. */
const REVOKED_WITHIN_MS = 15_000;

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
});

async function createKey(...options: string[]): Promise<{ id: string; token: string }> {
  const { code, stdout, stderr } = await server.holdfast(['keys', 'create', ...options]);
  expect(code, stderr).toBe(0);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  return { token: stdout.trim(), id: /key_\w+/.exec(stderr)?.[0] ?? '' };
}

const as = (key: string) => ({ key });

describe('keys', () => {
  it('create makes one that works at once, its owner shown on its runs', async () => {
    const { token } = await createKey(
      ...['--org', 'acme', '--user', 'u_1', '--name', 'Ada', '--email', 'ada@acme.test'],
      ...['--scopes', 'runs:read,runs:write'],
    );
    const created = await server.request('POST', '/v1/runs', { input: '/say hello' }, as(token));
    expect(created.status).toBe(201);
    expect((await server.request('GET', `/v1/runs/${created.json.run_id}`, undefined, as(token))).json).toMatchObject({
      ...{ org_id: 'acme', created_by_user_id: 'u_1', created_by_user_name: 'Ada', created_by_email: 'ada@acme.test' },
    });
    const persona = await server.request('POST', '/v1/personas', { key: 'p' }, as(token));
    expect(persona).toMatchObject({ status: 403, json: { code: 'auth.forbidden' } });
  });

  it('a key that may only read cannot create, answer or cancel', async () => {
    const { run_id } = await postRun(server, '/ask Which colour?');
    const { token } = await createKey('--scopes', 'runs:read');
    expect((await server.request('GET', `/v1/runs/${run_id}`, undefined, as(token))).status).toBe(200);
    for (const path of ['/v1/runs', `/v1/runs/${run_id}/input`, `/v1/runs/${run_id}:cancel`]) {
      const answer = await server.request('POST', path, path.endsWith('input') ? { content: 'x' } : {}, as(token));
      expect(answer, path).toMatchObject({ status: 403, json: { code: 'auth.forbidden' } });
    }
    expect((await server.request('POST', `/v1/runs/${run_id}:cancel`)).status).toBe(200);
  });

  it('list names them without their secrets', async () => {
    const { id, token } = await createKey('--org', 'listed');
    const { stdout } = await server.holdfast(['keys', 'list', '--org', 'listed']);
    const keys = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(keys).toMatchObject([{ id, org_id: 'listed', scopes: ['admin'], revoked_at: null }]);
    expect(stdout).not.toContain(token);
    expect(stdout).not.toMatch(/hash/);
  });

  it('revoke refuses a key at once and ends its open streams, not those of others', async () => {
    const { id, token } = await createKey();
    const { run_id } = await postRun(server, '/think ms=60000');
    const [own, other] = [await watch(server, run_id, as(token)), await watch(server, run_id)];
    await own.untilType('turn.started');
    expect(await server.holdfast(['keys', 'revoke', id])).toMatchObject({ code: 0, stdout: `revoked ${id}\n` });
    const began = performance.now();
    expect(await server.request('GET', '/v1/runs', undefined, as(token))).toMatchObject({
      ...{ status: 401, json: { code: 'auth.invalid_token' } },
    });
    await own.untilClosed(REVOKED_WITHIN_MS);
    console.log(`revoked key: its stream ended after ${Math.round(performance.now() - began)} ms`);
    expect(other.end).toBeUndefined();
    expect((await server.request('POST', `/v1/runs/${run_id}:cancel`)).status).toBe(200);
    await other.untilClosed();
    const again = await server.holdfast(['keys', 'revoke', id]);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('keys.not_found');
  });

  it('an expired key is refused, and its open stream ends', async () => {
    const { run_id } = await postRun(server, '/think ms=60000');
    // The time of the key runs while the command that made it ends.
    const { token } = await createKey('--expires', '8s');
    const reader = await watch(server, run_id, as(token));
    await until(
      async () => (await server.request('GET', '/v1/runs', undefined, as(token))).status === 401,
      'the expired key is refused',
      30_000,
    );
    await reader.untilClosed(REVOKED_WITHIN_MS);
    await server.request('POST', `/v1/runs/${run_id}:cancel`);
  });

  it.each([
    { options: ['--scopes', 'runs:fly'], says: 'runs:fly' },
    { options: ['--expires', 'soon'], says: 'a time' },
    { options: ['--org', 'a b'], says: 'expected letters' },
  ])('create refuses $options', async ({ options, says }) => {
    const { code, stdout, stderr } = await server.holdfast(['keys', 'create', ...options]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(says);
  });
});

it('another organisation finds nothing that is not its own', async () => {
  const stranger = as((await createKey('--org', 'strangers')).token);
  const { run_id, thread_id } = await postRun(server, '/ask Which colour?');
  const reader = await watch(server, run_id);
  const { data } = await reader.untilType('run.waiting_for_input');
  const hidden: [string, string, unknown?][] = [
    ['GET', `/v1/runs/${run_id}`],
    ['GET', `/v1/runs/${run_id}?include=live`],
    ['GET', `/v1/runs/${run_id}/events`],
    ['GET', `/v1/runs/${run_id}/events?after_seq=99999`],
    ['POST', `/v1/runs/${run_id}:cancel`, {}],
    ['POST', `/v1/runs/${run_id}/input`, { content: 'red' }],
    ['POST', `/v1/runs/${run_id}/input`, { content: 'red', request_id: data.request_id }],
    ['GET', `/v1/threads/${thread_id}`],
    ['PATCH', `/v1/threads/${thread_id}`, { title: 'mine' }],
    ['DELETE', `/v1/threads/${thread_id}`],
    ['GET', `/v1/threads/${thread_id}/runs`],
    ['POST', `/v1/threads/${thread_id}/runs`, { input: 'hello' }],
    ['GET', `/v1/threads/${thread_id}/messages`],
    ['POST', `/v1/threads/${thread_id}/messages`, { content: 'hello' }],
  ];
  for (const [method, path, body] of hidden) {
    const answer = await server.request(method, path, body, stranger);
    expect({ status: answer.status, path: `${method} ${path}` }).toEqual({ status: 404, path: `${method} ${path}` });
    expect(answer.json.code).toMatch(/\.not_found$/);
    expect(answer.text).not.toContain('colour');
  }
  for (const path of ['/v1/runs', '/v1/threads', '/v1/inputs']) {
    expect((await server.request('GET', path, undefined, stranger)).json, path).toEqual([]);
  }
  const filtered = await server.request('GET', `/v1/runs?thread_id=${thread_id}`, undefined, stranger);
  expect([[], 404, 422]).toContainEqual(filtered.status === 200 ? filtered.json : filtered.status);
  expect((await server.request('GET', `/v1/runs?before=${run_id}`, undefined, stranger)).status).toBe(422);
  expect((await server.request('POST', `/v1/runs/${run_id}/input`, { content: 'blue' })).status).toBe(200);
  await reader.untilClosed();
  expect(reader.events.at(-1)?.data.output).toContain('blue');
});

it('migrate beside a server says that there is nothing to do', async () => {
  expect(await server.holdfast(['migrate'])).toMatchObject({ code: 0, stdout: 'the database is up to date\n' });
});

it('doctor beside a server finds everything well', async () => {
  const { code, stdout, stderr } = await server.holdfast(['doctor']);
  const findings = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(findings.filter((finding) => !finding.ok)).toEqual([]);
  expect(findings.map((finding) => finding.check)).toEqual(
    expect.arrayContaining(['node', 'configuration', 'routes', 'database', 'temporal', 'worker']),
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

it('the commands beside it wrote to the journal without disturbing a run that streams', async () => {
  const { run_id } = await postRun(server, '/stream chunks=100 delay_ms=20');
  const reader = await watch(server, run_id);
  await reader.untilType('message.delta');
  for (let i = 0; i < 3; i++) await createKey('--org', `org_${i}`);
  await reader.untilClosed();
  expect(reader.events.at(-1)?.type).toBe('run.completed');
  expect(reader.events.some((event) => event.type === 'message.reset')).toBe(false);
});

it('a request without a key, or with one that is none, is refused', async () => {
  const response = await fetch(`${server.url}/v1/runs`);
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ code: 'auth.missing_token' });
  for (const key of ['x', `${TEST_KEY}x`, TEST_KEY.slice(0, -1)]) {
    expect(await server.request('GET', '/v1/runs', undefined, as(key))).toMatchObject({
      ...{ status: 401, json: { code: 'auth.invalid_token' } },
    });
  }
});
