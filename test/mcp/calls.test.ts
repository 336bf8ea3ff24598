import { expect, test } from 'vitest';
import { MAX_OUTPUT_BYTES } from '../../src/cut-output.ts';
import { bench, call, contextOf, toolOf } from './bench.ts';

test('the call id reaches the server with the call', async () => {
  const { open, stdio, executions } = bench();
  const mcp = open({ shop: stdio() });
  expect(await call(mcp, 'shop/note', { text: 'a' }, { call_id: 'call_key' })).toEqual({
    status: 'ok',
    output: 'noted a',
  });
  expect(executions()).toEqual([
    { tool: 'note', call_id: 'call_key', state: 'begun' },
    { tool: 'note', call_id: 'call_key', state: 'ended' },
  ]);
});

test('arguments that do not fit are refused with what is wrong and where, and nothing runs', async () => {
  const { open, stdio, executions } = bench();
  const mcp = open({ shop: stdio() });
  const wrong = await call(mcp, 'shop/note', { text: 7, more: true });
  expect(wrong.status).toBe('error');
  expect(wrong.output).toContain('shop/note, which was not called');
  expect(wrong.output).toContain('arguments/text must be string');
  expect(wrong.output).toContain('additional properties');
  expect((await call(mcp, 'shop/slow', {})).output).toContain("required property 'ms'");
  expect(executions()).toEqual([]);
});

test('a result that the tool calls an error is an error result', async () => {
  const { open, stdio } = bench();
  expect(await call(open({ shop: stdio() }), 'shop/refuse')).toEqual({ status: 'error', output: 'not today' });
});

test('progress is reported in order up to the last step, even when it comes together with the result', async () => {
  const { open, stdio } = bench();
  const seen: Record<string, unknown>[] = [];
  await call(open({ shop: stdio() }), 'shop/steps', { steps: 3 }, { progress: (data) => void seen.push(data) });
  expect(seen).toEqual([
    { progress: 1, total: 3, message: 'step 1' },
    { progress: 2, total: 3, message: 'step 2' },
    { progress: 3, total: 3, message: 'step 3' },
  ]);
});

test('calls of one server run side by side', async () => {
  const { open, stdio, executions } = bench();
  const mcp = open({ shop: stdio() });
  await Promise.all(['a', 'b', 'c'].map((call_id) => call(mcp, 'shop/slow', { ms: 1_500 }, { call_id })));
  expect(executions().map((it) => it.state)).toEqual(['begun', 'begun', 'begun', 'ended', 'ended', 'ended']);
});

test('an output beyond 256 KiB is cut at a character, with a marker that says how much there was', async () => {
  const { open, stdio } = bench();
  const mcp = open({ shop: stdio() });
  const whole = await call(mcp, 'shop/big', { bytes: MAX_OUTPUT_BYTES });
  expect(Buffer.byteLength(whole.output)).toBe(MAX_OUTPUT_BYTES);
  expect(whole.output).not.toContain('cut');
  const cut = await call(mcp, 'shop/big', { bytes: 1_000_000 });
  expect(cut.status).toBe('ok');
  expect(Buffer.byteLength(cut.output)).toBeLessThanOrEqual(MAX_OUTPUT_BYTES);
  expect(cut.output).toMatch(/^é+\n\[output cut: the first \d+ of 1000000 bytes\]$/);
});

test('a message too large to be read ends the server, and the next call gets a new one', async () => {
  const { open, stdio } = bench();
  const mcp = open({ shop: stdio() });
  expect(await call(mcp, 'shop/big', { bytes: 12_000_000 })).toMatchObject({ status: 'unknown' });
  expect(await call(mcp, 'shop/look')).toEqual({ status: 'ok', output: 'seen' });
});

test('a call ends at its time limit, progress or not, and the server is told', async () => {
  const { open, stdio } = bench();
  const mcp = open({ shop: stdio() }, { 'shop/steps': { timeout_s: 1 } });
  const tool = await toolOf(mcp, 'shop/steps');
  const began = Date.now();
  const outcome = await tool.execute({ steps: 400, ms: 50 }, contextOf());
  expect(outcome).toEqual({ status: 'timeout', output: 'shop/steps did not end within 1 s and was told to stop.' });
  // Its steps take 20 s.
  expect(Date.now() - began).toBeLessThan(10_000);
});

test('a call may be given less time than its tool has', async () => {
  const { open, stdio, executions } = bench();
  const mcp = open({ shop: stdio() });
  const outcome = await call(mcp, 'shop/slow_heeding', { ms: 60_000 }, { timeout_ms: 300 });
  expect(outcome.status).toBe('timeout');
  await expect.poll(() => executions().at(-1)?.state, { timeout: 10_000 }).toBe('cancelled');
});
