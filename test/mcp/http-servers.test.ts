import { expect, onTestFinished, test } from 'vitest';
import { until } from '../support/until.ts';
import { type Bench, bench, call } from './bench.ts';
import { type HttpWorkshop, startHttpWorkshop } from './servers/http.ts';

async function workshop(it: Bench, options: { forward?: string } = {}): Promise<HttpWorkshop> {
  const http = await startHttpWorkshop(it.executionsFile, options);
  onTestFinished(() => http.stop());
  return http;
}

test('a server over HTTP is listed and called, with the configured headers on every request', async () => {
  const it = bench();
  const { url, seen } = await workshop(it);
  const mcp = it.open({ shop: { url, headers: { authorization: 'Bearer key' }, timeout_s: 20 } });
  expect((await mcp.list(['shop/*'])).tools).toHaveLength(14);
  expect(await call(mcp, 'shop/note', { text: 'a' }, { call_id: 'call_key' })).toEqual({
    status: 'ok',
    output: 'noted a',
  });
  expect(it.executions()[0]).toEqual({ tool: 'note', call_id: 'call_key', state: 'begun' });
  expect(seen.every((headers) => headers.authorization === 'Bearer key')).toBe(true);
});

test('progress comes over HTTP', async () => {
  const it = bench();
  const { url } = await workshop(it);
  const seen: unknown[] = [];
  const mcp = it.open({ shop: { url, headers: {}, timeout_s: 20 } });
  await call(mcp, 'shop/steps', { steps: 2 }, { progress: ({ progress }) => void seen.push(progress) });
  expect(seen).toEqual([1, 2]);
});

test('a change of the tools is heard over HTTP', async () => {
  const it = bench();
  const { url, seen } = await workshop(it);
  const mcp = it.open({ shop: { url, headers: {}, timeout_s: 20 } });
  await mcp.list(['shop/*']);
  await until(() => seen.some((headers) => headers.accept === 'text/event-stream'), 'the stream of news is open');
  await call(mcp, 'shop/learn');
  await until(() => mcp.find('shop/trick_1'), 'the new tool is listed');
});

test('a redirect to another origin is not followed: the configured headers stay where they belong', async () => {
  const it = bench();
  const other = await workshop(it);
  const { url } = await workshop(it, { forward: other.url });
  const mcp = it.open({ shop: { url, headers: { authorization: 'Bearer key' }, timeout_s: 20 } });
  const { unavailable } = await mcp.list(['shop/*']);
  expect(unavailable).toEqual([{ server: 'shop', message: expect.stringContaining('not followed') }]);
  expect(other.seen).toEqual([]);
});
