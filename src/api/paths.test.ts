import { expect, it } from 'vitest';
import { publicPath, routedPath } from './paths.ts';
import { testApp } from './test-app.ts';

it.each([
  ['/v1/runs/run_1:cancel', '/v1/runs/run_1/~cancel'],
  ['/v1/runs/run_1%3Acancel', '/v1/runs/run_1/~cancel'],
  ['/v1/runs/run_1%3acancel?x=a:b', '/v1/runs/run_1/~cancel'],
  ['/v1/runs/run_1', '/v1/runs/run_1'],
  ['/v1/runs/:cancel', '/v1/runs/:cancel'],
  ['/v1/runs/run_1:', '/v1/runs/run_1:'],
  ['/v1/runs/a:b:cancel', '/v1/runs/a:b:cancel'],
  ['/v1/runs/a:b/events', '/v1/runs/a:b/events'],
  ['/v1/runs/run_1/~cancel', '/v1/runs/run_1/%7Ecancel'],
  ['/v1/runs/run_1/%7Ecancel', '/v1/runs/run_1/%7Ecancel'],
])('%s is routed as %s', (path, routed) => {
  expect(routedPath(new Request(`http://localhost${path}`))).toBe(routed);
});

it('shows clients the colon', () => {
  expect(publicPath('/v1/runs/{run_id}/~cancel')).toBe('/v1/runs/{run_id}:cancel');
  expect(publicPath('/v1/runs')).toBe('/v1/runs');
});

it.each([
  ['POST', '/v1/runs/run_1:cancel', 200],
  ['POST', '/v1/runs/run_1%3Acancel', 200],
  ['GET', '/v1/runs/run_1:cancel', 405],
  ['POST', '/v1/runs/run_1/~cancel', 404],
  ['POST', '/v1/runs/run_1/%7Ecancel', 404],
  ['POST', '/v1/runs/run_1:explode', 404],
  ['POST', '/v1/threads/run_1:cancel', 404],
  ['POST', '/v1/runs/:cancel', 405],
])('%s %s answers %d', async (method, path, status) => {
  const { send } = testApp({ cancelRun: async () => ({ value: { ok: true }, replayed: false }) });
  expect((await send(path, { method })).status).toBe(status);
});
