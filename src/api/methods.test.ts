import { expect, it } from 'vitest';
import { testApp } from './test-app.ts';

it.each([
  ['GET', '/', 404, null],
  ['GET', '/v1', 404, null],
  ['GET', '/v1/nothing', 404, null],
  ['GET', '/v1/threads/', 404, null],
  ['PUT', '/v1/threads', 405, 'GET, POST, HEAD, OPTIONS'],
  ['PUT', '/v1/threads/thread_1', 405, 'GET, PATCH, DELETE, HEAD, OPTIONS'],
  ['DELETE', '/v1/runs/run_1', 405, 'GET, HEAD, OPTIONS'],
  ['GET', '/v1/runs/run_1/input', 405, 'POST, OPTIONS'],
  ['POST', '/healthz', 405, 'GET, HEAD, OPTIONS'],
])('%s %s answers %d and allows %s', async (method, path, status, allow) => {
  const response = await testApp().send(path, { method });
  expect(response.status).toBe(status);
  expect(response.headers.get('allow')).toBe(allow);
  expect(await response.json()).toMatchObject({ code: status === 404 ? 'http.not_found' : 'http.method_not_allowed' });
});

it('OPTIONS says what a path allows, without a key and without CORS', async () => {
  const { app } = testApp();
  const response = await app.request('/v1/runs', { method: 'OPTIONS', headers: { origin: 'http://elsewhere.test' } });
  expect(response.status).toBe(204);
  expect(response.headers.get('allow')).toBe('GET, POST, HEAD, OPTIONS');
  expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  expect((await app.request('/v1/nothing', { method: 'OPTIONS' })).status).toBe(404);
});

it('an unknown path below /v1 is not told to someone without a key', async () => {
  expect((await testApp().app.request('/v1/nothing')).status).toBe(401);
});
