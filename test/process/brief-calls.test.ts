/** A server that is killed or stopped while a brief call runs: nothing is lost with the workflow task that held it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Execution } from '../mcp/servers/workshop.ts';
import { checkHistory } from '../support/events.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { readLines } from '../tools/workshop-stack.ts';
import { isTerminal, postRun, watch, wholeStory } from './reader.ts';

const WORKSHOP = fileURLToPath(new URL('../mcp/servers/stdio.ts', import.meta.url));
/** The bound from the restarted server's ready line to an active run's next event. */
const NEXT_EVENT_WITHIN_MS = 8_000;
/** How many runs a busy machine has to do it in time: a brief call has no more than 2 s. */
const TRIES = 5;

const figures: string[] = [];
const directory = temporaryDirectory();
afterAll(async () => {
  console.log(figures.join('\n'));
  await server.close();
  directory.remove();
});

const yaml = (log: string) => `
routes: [{ id: demo, provider: demo }]
personas: [{ key: assistant, tools: [shop/*] }]
mcp: { shop: { command: ${process.execPath}, args: [${WORKSHOP}], env: { EXECUTIONS: ${log} } } }
tools: { shop/slow: { side_effects: false, timeout_s: 2 } }
`;

const log = join(directory.path, 'executions.jsonl');
let server: TestServer;
beforeAll(async () => {
  server = await startServer({ yaml: yaml(log) });
});

/** Begins a brief call, ends the server in the middle of it, starts the next, and gives how often the call was begun. */
async function endInside(ms: number, how: string, end: () => Promise<unknown>, left = TRIES): Promise<number> {
  const { run_id } = await postRun(server, `/tool shop/slow {"ms": ${ms}}\n/say over`);
  const seen = await watch(server, run_id);
  const call = await seen.untilType('tool.call');
  const logged = (state: Execution['state']) =>
    (existsSync(log) ? readLines(log) : []).filter((it) => it.call_id === call.data.call_id && it.state === state);
  await until(() => logged('begun').length > 0, 'the tool has begun');
  const told = Date.now();
  await end();
  await until(() => seen.end, 'the reader loses its connection');
  await server.restart();
  // The call was over before, or held up beyond its limit: that shows nothing of the server.
  const again = () => endInside(ms, how, end, left - 1);
  const wasLate = logged('ended').some(({ at }) => at <= told) || seen.events.some(isTerminal);
  if (wasLate && left > 1) return await again();
  const after = await watch(server, run_id, { query: `?after_seq=${seen.events.length}` });
  const next = await after.until(() => true, 'the next event', 20_000);
  const nextMs = Math.round((after.arrivedAt[0] ?? Number.NaN) - server.readyAt);
  figures.push(`${how} in a brief call: next event (${next.type}) ${nextMs} ms after ready`);
  expect(nextMs).toBeLessThan(NEXT_EVENT_WITHIN_MS);
  await after.untilClosed();
  const { events } = await wholeStory(server, run_id);
  checkHistory(events);
  expect(events.at(-1)).toMatchObject({ type: 'run.completed', data: { output: expect.stringContaining('over') } });
  const results = events.filter((event) => event.type === 'tool.result').map((event) => event.data);
  if (results[0]?.status === 'timeout' && left > 1) return await again();
  expect(results).toMatchObject([{ status: 'ok', output: 'slow and done' }]);
  return logged('begun').length;
}

describe('a brief call', { timeout: 120_000 }, () => {
  it('ends by itself when its worker is told to stop, and is not made again', async () => {
    expect(await endInside(800, 'SIGTERM', () => server.stop())).toBe(1);
    expect(server.stderr).not.toMatch(/"level":"(error|fatal)"/);
  });

  it('whose worker is killed is made again, with the same call id', async () => {
    expect(await endInside(1_000, 'SIGKILL', () => server.kill())).toBe(2);
  });
});
