import { expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { bench, call, isRunning, workshopPids } from './bench.ts';

const missing = { command: '/does/not/exist', args: [], env: {}, timeout_s: 5 };

test('nothing is started before it is used, and one process serves every list and call', async () => {
  const { open, stdio, logged } = bench();
  const mcp = open({ shop: stdio() });
  expect(workshopPids(logged)).toEqual([]);
  await Promise.all([mcp.list(['shop/*']), mcp.list(['shop/note']), call(mcp, 'shop/look')]);
  expect(workshopPids(logged)).toHaveLength(1);
});

test('every page of the tools is listed', async () => {
  const { open, stdio } = bench();
  const { tools } = await open({ shop: stdio() }).list(['shop/*']);
  expect(tools).toHaveLength(14);
  expect(tools.map((tool) => tool.name)).toContain('shop/refuse');
});

test('tools come in the order of the patterns, each once', async () => {
  const { open, stdio } = bench();
  const { tools } = await open({ shop: stdio() }).list(['shop/slow', 'ask_user', 'shop/note', 'shop/slow']);
  expect(tools.map((tool) => tool.name)).toEqual(['shop/slow', 'shop/note']);
});

test('a tool that the server gains is offered once the server has said so', async () => {
  const { open, stdio } = bench();
  const mcp = open({ shop: stdio() });
  expect(await mcp.find('shop/trick_1')).toBeUndefined();
  await call(mcp, 'shop/learn');
  await until(() => mcp.find('shop/trick_1'), 'the new tool is listed');
  expect(await call(mcp, 'shop/trick_1')).toEqual({ status: 'ok', output: 'trick_1 is a trick' });
});

test('a server that cannot start is unavailable with the reason, and the others are listed', async () => {
  const { open, stdio } = bench();
  const mcp = open({ shop: stdio(), broken: stdio({ START: 'fail' }), missing });
  const { tools, unavailable } = await mcp.list(['broken/*', 'missing/*', 'shop/note', 'nowhere/*', 'shop/nothing']);
  expect(tools.map((tool) => tool.name)).toEqual(['shop/note']);
  expect(Object.fromEntries(unavailable.map(({ server, message }) => [server, message]))).toEqual({
    broken: expect.stringContaining('exit code 3'),
    missing: expect.stringContaining('ENOENT'),
    nowhere: expect.stringContaining('not configured'),
    shop: expect.stringContaining('no tool nothing'),
  });
});

test('a server that does not answer is unavailable within the bound, and at once when it is asked again', async () => {
  const { open, stdio } = bench();
  const mcp = open({ shop: stdio(), hanging: stdio({ START: 'hang' }) });
  const began = Date.now();
  const first = await mcp.list(['hanging/*', 'shop/note']);
  expect(Date.now() - began).toBeLessThan(30_000);
  expect(first.tools.map((tool) => tool.name)).toEqual(['shop/note']);
  expect(first.unavailable).toEqual([
    { server: 'hanging', message: expect.stringContaining('did not answer within 10 s') },
  ]);
  const again = Date.now();
  expect((await mcp.list(['hanging/*'])).unavailable).toHaveLength(1);
  expect(Date.now() - again).toBeLessThan(5_000);
});

test('a call waits for a server that takes longer to start than a list waits, and ends with its signal', async () => {
  const { open, stdio } = bench();
  const late = stdio({ START: 'late', START_MS: '14000' });
  const mcp = open({ late, later: late });
  const called = Promise.allSettled([mcp.find('later/note')]);
  expect((await mcp.list(['late/*'])).unavailable).toHaveLength(1);
  await expect(mcp.find('late/note', AbortSignal.timeout(20))).rejects.toMatchObject({ name: 'AbortError' });
  expect((await mcp.find('late/note'))?.name).toBe('late/note');
  expect(await called).toMatchObject([{ value: { name: 'later/note' } }]);
});

test('a server that keeps failing is started less and less often', async () => {
  const { open, stdio, logged } = bench();
  const mcp = open({ broken: stdio({ START: 'fail' }) });
  const message = await until(async () => {
    const { unavailable } = await mcp.list(['broken/*']);
    return unavailable.find((it) => it.message.includes('next try in'))?.message;
  }, 'the server is left alone for a while');
  expect(message).toContain('exit code 3');
  expect(workshopPids(logged).length).toBeLessThanOrEqual(4);
});

test('a greeting on standard output does not keep a server from working', async () => {
  const { open, stdio } = bench();
  expect(await call(open({ shop: stdio({ START: 'talk' }) }), 'shop/look')).toEqual({ status: 'ok', output: 'seen' });
});

test('hints decide what may be repeated, and the configuration decides over them', async () => {
  const { open, stdio } = bench();
  const mcp = open(
    { shop: stdio() },
    { 'shop/look': { side_effects: true }, 'shop/note': { side_effects: false }, 'shop/slow': { timeout_s: 3 } },
  );
  const { tools } = await mcp.list(['shop/look', 'shop/note', 'shop/slow', 'shop/put']);
  expect(tools).toMatchObject([
    { name: 'shop/look', may_repeat: false, needs_approval_hint: false, timeout_s: 20 },
    { name: 'shop/note', may_repeat: true, needs_approval_hint: true },
    { name: 'shop/slow', may_repeat: false, timeout_s: 3 },
    { name: 'shop/put', may_repeat: true, needs_approval_hint: true },
  ]);
});

test('a closed set of servers ends its processes and answers that it is closed', async () => {
  const { open, stdio, logged } = bench();
  const mcp = open({ shop: stdio() });
  await mcp.list(['shop/*']);
  await mcp.close();
  expect(logged.some((line) => String(line.msg).includes('did not close'))).toBe(false);
  expect((await mcp.list(['shop/*'])).unavailable).toEqual([{ server: 'shop', message: 'shop is closed.' }]);
});

test('a server that is still starting is ended by the close', async () => {
  const { open, stdio, logged } = bench();
  const mcp = open({ hanging: stdio({ START: 'hang' }) });
  const listed = mcp.list(['hanging/*']);
  const pid = await until(() => workshopPids(logged)[0], 'the process has started');
  await mcp.close();
  expect(isRunning(pid)).toBe(false);
  expect((await listed).unavailable).toHaveLength(1);
});
