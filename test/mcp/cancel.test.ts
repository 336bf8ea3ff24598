import { expect, test } from 'vitest';
import type { McpTools } from '../../src/tools/mcp/open-mcp.ts';
import { CANCEL_GRACE_MS } from '../../src/tools/mcp/session.ts';
import { ToolCancelled } from '../../src/tools/tool.ts';
import { until } from '../support/until.ts';
import { type Bench, bench, call, isRunning, workshopPids } from './bench.ts';
import { startHttpWorkshop } from './servers/http.ts';

/** What has come by then waited for no grace to end, however busy the machine is. */
const WITHOUT_GRACE_MS = CANCEL_GRACE_MS - 500;

/** Cancels a call once the server has begun it; gives how the call ended. */
async function cancelled(it: Bench, mcp: McpTools, tool: string, call_id: string): Promise<ToolCancelled> {
  const controller = new AbortController();
  const failed = call(mcp, tool, { ms: 60_000 }, { call_id, signal: controller.signal }).then(
    () => undefined,
    (error: unknown) => error,
  );
  await until(() => it.executions().some((execution) => execution.call_id === call_id), `${call_id} has begun`);
  const began = Date.now();
  controller.abort();
  const error = await failed;
  expect(Date.now() - began).toBeLessThan(WITHOUT_GRACE_MS);
  expect(error).toBeInstanceOf(ToolCancelled);
  return error as ToolCancelled;
}

test('a cancelled call ends at once, and a tool that answers its cancel is known to have ended', async () => {
  const it = bench();
  const mcp = it.open({ shop: it.stdio() });
  const { tool, ended } = await cancelled(it, mcp, 'shop/slow_heeding', 'call_a');
  expect(tool).toBe('shop/slow_heeding');
  const began = Date.now();
  expect(await ended).toBe(true);
  expect(Date.now() - began).toBeLessThan(WITHOUT_GRACE_MS);
  expect(it.executions().at(-1)).toEqual({ tool: 'slow_heeding', call_id: 'call_a', state: 'cancelled' });
  expect(await call(mcp, 'shop/look')).toEqual({ status: 'ok', output: 'seen' });
  expect(workshopPids(it.logged)).toHaveLength(1);
});

test('a call that is cancelled before it begins never reaches the server', async () => {
  const it = bench();
  const mcp = it.open({ shop: it.stdio() });
  const failed = call(mcp, 'shop/note', { text: 'a' }, { signal: AbortSignal.abort() });
  await expect(failed).rejects.toThrow(ToolCancelled);
  await call(mcp, 'shop/look', {}, { call_id: 'after' });
  expect(it.executions().map((execution) => execution.tool)).toEqual(['look', 'look']);
});

test('a tool that ignores its cancel for 5 s takes its server with it when nobody else uses that', async () => {
  const it = bench();
  const mcp = it.open({ shop: it.stdio() });
  const { ended } = await cancelled(it, mcp, 'shop/slow_deaf', 'call_a');
  const [pid = 0] = workshopPids(it.logged);
  expect(isRunning(pid)).toBe(true);
  expect(await ended).toBe(true);
  expect(isRunning(pid)).toBe(false);
  expect(await call(mcp, 'shop/look')).toEqual({ status: 'ok', output: 'seen' });
  expect(workshopPids(it.logged)).toHaveLength(2);
});

test('calls of one server that are cancelled together are all known to have ended', async () => {
  const it = bench();
  const mcp = it.open({ shop: it.stdio() });
  const both = await Promise.all(['a', 'b'].map((id) => cancelled(it, mcp, 'shop/slow_deaf', id)));
  expect(await Promise.all(both.map(({ ended }) => ended))).toEqual([true, true]);
});

test('a server that another call uses is left alone until that is over; the ignored cancel is reported as unfinished', async () => {
  const it = bench();
  const mcp = it.open({ shop: it.stdio() });
  // Beyond the grace of the one that is cancelled, which begins later.
  const other = call(mcp, 'shop/slow', { ms: CANCEL_GRACE_MS + 6_000 });
  const { ended } = await cancelled(it, mcp, 'shop/slow_deaf', 'call_a');
  expect(await ended).toBe(false);
  const [pid = 0] = workshopPids(it.logged);
  expect(await call(mcp, 'shop/look')).toEqual({ status: 'ok', output: 'seen' });
  expect(workshopPids(it.logged)).toHaveLength(2);
  expect(await other).toEqual({ status: 'ok', output: 'slow and done' });
  await until(() => !isRunning(pid), 'the old server is ended');
});

test('a server that is stuck is replaced after a call has timed out', async () => {
  const it = bench();
  const mcp = it.open({ shop: it.stdio() }, { 'shop/hang': { timeout_s: 1 } });
  expect((await call(mcp, 'shop/hang')).status).toBe('timeout');
  const [pid = 0] = workshopPids(it.logged);
  await until(() => !isRunning(pid), 'the stuck server is ended');
  expect(await call(mcp, 'shop/look')).toEqual({ status: 'ok', output: 'seen' });
});

test('over HTTP a tool that answers its cancel has ended, and one that does not counts as unfinished', async () => {
  const it = bench();
  const { url, stop } = await startHttpWorkshop(it.executionsFile);
  const mcp = it.open({ shop: { url, headers: {}, timeout_s: 20 } });
  const heeding = await cancelled(it, mcp, 'shop/slow_heeding', 'call_a');
  expect(await heeding.ended).toBe(true);
  const deaf = await cancelled(it, mcp, 'shop/slow_deaf', 'call_b');
  expect(await deaf.ended).toBe(false);
  expect(await call(mcp, 'shop/look')).toEqual({ status: 'ok', output: 'seen' });
  await stop();
});
