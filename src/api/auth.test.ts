import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../errors.ts';
import type { Scope } from '../runs/types.ts';
import { ADMIN, testApp } from './test-app.ts';

describe('a bearer token', () => {
  const { app } = testApp({
    authenticate: async (token) => {
      if (token !== 'good') throw new HoldfastError('auth.invalid_token', 'This API key is not valid.');
      return ADMIN;
    },
    routes: () => [],
  });
  const status = async (authorization?: string) =>
    (await app.request('/v1/routes', { headers: authorization === undefined ? {} : { authorization } })).status;

  it('of any case of the scheme is accepted', async () => {
    expect(await status('Bearer good')).toBe(200);
    expect(await status('bearer  good')).toBe(200);
  });

  it.each([
    [undefined, 'auth.missing_token', 'Bearer'],
    ['', 'auth.missing_token', 'Bearer'],
    ['Bearer', 'auth.missing_token', 'Bearer'],
    ['Bearer ', 'auth.missing_token', 'Bearer'],
    ['good', 'auth.missing_token', 'Bearer'],
    ['Basic Z29vZDo=', 'auth.missing_token', 'Bearer'],
    ['Bearer good good', 'auth.missing_token', 'Bearer'],
    ['Bearer bad', 'auth.invalid_token', 'Bearer error="invalid_token"'],
  ])('as in %j is refused with %s', async (authorization, code, challenge) => {
    const headers = authorization === undefined ? undefined : { authorization };
    const response = await app.request('/v1/routes', { headers });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code });
    expect(response.headers.get('www-authenticate')).toBe(challenge);
  });

  it.each(['/healthz', '/openapi.json', '/docs'])('is not needed for %s', async (path) => {
    expect((await app.request(path)).status).toBe(200);
  });
});

const NEEDS: [string, string, Scope][] = [
  ['GET', '/v1/threads', 'runs:read'],
  ['POST', '/v1/threads', 'runs:write'],
  ['GET', '/v1/threads/thread_1', 'runs:read'],
  ['PATCH', '/v1/threads/thread_1', 'runs:write'],
  ['DELETE', '/v1/threads/thread_1', 'runs:write'],
  ['GET', '/v1/threads/thread_1/messages', 'runs:read'],
  ['POST', '/v1/threads/thread_1/messages', 'runs:write'],
  ['GET', '/v1/threads/thread_1/runs', 'runs:read'],
  ['POST', '/v1/threads/thread_1/runs', 'runs:write'],
  ['GET', '/v1/runs', 'runs:read'],
  ['POST', '/v1/runs', 'runs:write'],
  ['GET', '/v1/runs/run_1', 'runs:read'],
  ['GET', '/v1/runs/run_1/events', 'runs:read'],
  ['HEAD', '/v1/runs/run_1/events', 'runs:read'],
  ['POST', '/v1/runs/run_1:cancel', 'runs:write'],
  ['POST', '/v1/runs/run_1/input', 'runs:write'],
  ['GET', '/v1/inputs', 'runs:read'],
  ['GET', '/v1/personas', 'runs:read'],
  ['GET', '/v1/personas/assistant', 'runs:read'],
  ['POST', '/v1/personas', 'personas:write'],
  ['GET', '/v1/routes', 'runs:read'],
];

describe.each(NEEDS)('%s %s', (method, path, scope) => {
  const others = (['runs:read', 'runs:write', 'personas:write'] satisfies Scope[]).filter((it) => it !== scope);

  it(`is refused without ${scope}, before anything else is looked at`, async () => {
    const { send } = testApp({}, { caller: { scopes: others } });
    const response = await send(path, { method, raw: method === 'POST' ? 'no json' : undefined });
    expect(response.status).toBe(403);
    if (method === 'HEAD') return;
    expect(await response.json()).toMatchObject({
      code: 'auth.forbidden',
      message: expect.stringContaining(scope),
      details: { required_scope: scope, scopes: others },
    });
  });

  it.each([scope, 'admin'] satisfies Scope[])('goes on with %s', async (held) => {
    const { send } = testApp({}, { caller: { scopes: [held] } });
    expect((await send(path, { method, raw: method === 'POST' ? 'no json' : undefined })).status).not.toBe(403);
  });
});
