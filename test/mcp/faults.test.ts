import { expect, onTestFinished, test } from 'vitest';
import { startStub } from '../chaos/forms/stub.ts';
import { randomPort } from '../support/run-holdfast.ts';
import { until } from '../support/until.ts';
import { type Bench, bench, call, contextOf, toolOf, workshopPids } from './bench.ts';
import { type HttpWorkshop, startHttpWorkshop } from './servers/http.ts';

/** Stops a server that a session was open with; returns when this side has seen its connections end. */
async function stopped({ logged }: Bench, http: HttpWorkshop): Promise<void> {
  await until(() => http.seen.some(({ accept }) => accept === 'text/event-stream'), 'the stream of news is open');
  await http.stop();
  await until(() => logged.some(({ error }) => String(error).includes('disconnected')), 'the stream of news broke off');
}

test('a server that dies in the middle of a call leaves its outcome unknown, and is restarted at the next use', async () => {
  const { open, stdio, executions, logged } = bench();
  const mcp = open({ shop: stdio() });
  const outcome = await call(mcp, 'shop/die');
  expect(outcome.status).toBe('unknown');
  expect(outcome.output).toContain('killed by SIGKILL');
  expect(outcome.output).toContain('Nobody knows whether it took effect');
  expect(executions().filter((it) => it.tool === 'die')).toHaveLength(1);
  expect(await call(mcp, 'shop/look')).toEqual({ status: 'ok', output: 'seen' });
  expect(workshopPids(logged)).toHaveLength(2);
});

test('a call that may be repeated is tried once more, with the same call id, when its server dies', async () => {
  const { open, stdio, executions } = bench();
  const mcp = open({ shop: stdio() });
  const outcome = await call(mcp, 'shop/die_reading', {}, { call_id: 'call_key' });
  expect(outcome).toMatchObject({ status: 'error', output: expect.stringContaining('twice') });
  expect(executions().map((it) => it.call_id)).toEqual(['call_key', 'call_key']);
});

test('other calls of a server that dies each get a result', async () => {
  const { open, stdio } = bench();
  const mcp = open({ shop: stdio() });
  const [slow, die] = await Promise.all([call(mcp, 'shop/slow', { ms: 10_000 }), call(mcp, 'shop/die')]);
  expect([slow.status, die.status]).toEqual(['unknown', 'unknown']);
});

test('garbage on standard output is passed over', async () => {
  const { open, stdio } = bench();
  const mcp = open({ shop: stdio() });
  expect(await call(mcp, 'shop/babble')).toEqual({ status: 'ok', output: 'babbled' });
  expect(await call(mcp, 'shop/look')).toEqual({ status: 'ok', output: 'seen' });
});

test('a tool of a server that has become unavailable gives an error result', async () => {
  const it = bench();
  const http = await startHttpWorkshop(it.executionsFile);
  const mcp = it.open({ shop: { url: http.url, headers: {}, timeout_s: 20 } });
  const tool = await toolOf(mcp, 'shop/note');
  await stopped(it, http);
  const outcome = await tool.execute({ text: 'a' }, contextOf());
  expect(outcome).toMatchObject({ status: 'error', output: expect.stringContaining('ECONNREFUSED') });
  expect(it.executions()).toEqual([]);
});

test('an HTTP server that was restarted is connected to again, and the call runs once', async () => {
  const it = bench();
  const first = await startHttpWorkshop(it.executionsFile);
  const mcp = it.open({ shop: { url: first.url, headers: {}, timeout_s: 20 } });
  const tool = await toolOf(mcp, 'shop/note');
  await stopped(it, first);
  const second = await startHttpWorkshop(it.executionsFile, { port: first.port });
  onTestFinished(() => second.stop());
  expect(await tool.execute({ text: 'a' }, contextOf())).toEqual({ status: 'ok', output: 'noted a' });
  expect(it.executions().filter((execution) => execution.state === 'begun')).toHaveLength(1);
});

test('an HTTP server that is killed in the middle of calls leaves their outcomes unknown at once', async () => {
  const it = bench();
  const port = randomPort(14_000);
  const server = await startStub('tools.ts', { name: 'tools', weight: 1, port, log: it.executionsFile });
  onTestFinished(() => server.close());
  const mcp = it.open({ shop: { url: `http://127.0.0.1:${port}/mcp`, headers: {}, timeout_s: 60 } });
  const calls = ['slow', 'slow_heeding'].map((tool) => call(mcp, `shop/${tool}`, { ms: 60_000 }));
  await until(() => it.executions().length === calls.length, 'both have begun');
  const began = Date.now();
  await server.kill();
  expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(['unknown', 'unknown']);
  expect(Date.now() - began).toBeLessThan(5_000);
});

test('an HTTP connection that breaks in the middle of a call is noticed at once; the outcome is unknown', async () => {
  const it = bench();
  const http = await startHttpWorkshop(it.executionsFile);
  onTestFinished(() => http.stop());
  const mcp = it.open({ shop: { url: http.url, headers: {}, timeout_s: 20 } });
  const began = Date.now();
  expect((await call(mcp, 'shop/die')).status).toBe('unknown');
  expect(Date.now() - began).toBeLessThan(5_000);
  expect(it.executions()).toHaveLength(1);
  expect(await call(mcp, 'shop/look')).toEqual({ status: 'ok', output: 'seen' });
});
