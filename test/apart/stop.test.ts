/** What a client and an operator see when one process of several is told to stop. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postRun, watch, wholeStory } from '../process/reader.ts';
import { type Cluster, openCluster } from '../support/cluster.ts';
import { isConnectionError } from '../support/connection-error.ts';
import { checkHistory, types } from '../support/events.ts';
import { fastestOf } from '../support/fastest.ts';
import type { TestServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';
import { readLines } from '../tools/workshop-stack.ts';

const WORKSHOP = fileURLToPath(new URL('../mcp/servers/stdio.ts', import.meta.url));
/** Balancers look every one or two seconds; they must have seen `/readyz` before connections are refused. */
const DRAINS_FOR_MS = 2_500;
/** How often a stop is tried on a busy machine. */
const ROUNDS = 3;
/** Longer than any worker waits. */
const TOOL_MS = 60_000;
/** The time that tools with side effects are given, 5 s, and no heartbeat timeout (5 s) on top of it. */
const ASKED_WITHIN_MS = 8_000;

const directory = temporaryDirectory();
const log = join(directory.path, 'executions.jsonl');
const figures: string[] = [];
let cluster: Cluster;
let one: TestServer;
let other: TestServer;
beforeAll(async () => {
  cluster = await openCluster({
    ...{ apis: 2, workers: 2 },
    yaml: `
routes: [{ id: demo, provider: demo }]
personas: [{ key: assistant, tools: [ask_user, shop/*] }]
mcp: { shop: { command: ${process.execPath}, args: [${WORKSHOP}], env: { EXECUTIONS: ${log} }, timeout_s: 90 } }
`,
  });
  [one, other] = cluster.apis as [TestServer, TestServer];
});
afterAll(async () => {
  console.log(figures.join('\n'));
  await cluster.close();
  directory.remove();
});

describe('an API', { timeout: 180_000 }, () => {
  it('told by SIGTERM says so at /readyz at once, answers for a while, ends its streams in good order, and only then is gone', async () => {
    const { run_id } = await postRun(one, '/ask Which colour?');
    const reader = await watch(one, run_id);
    await reader.untilType('run.waiting_for_input');
    const { url } = one;
    const told = performance.now();
    const gone = one.stop();
    const readyz = await until(async () => {
      const answer = await one.request('GET', '/readyz');
      return answer.status === 503 ? answer : undefined;
    }, '/readyz says 503');
    expect(readyz.json).toMatchObject({ ready: false, checks: { server: { state: 'stopping' } } });
    const saidMs = performance.now() - told;
    let answered = 0;
    const lastAnswer = async () => {
      const answer = await one.request('GET', `/v1/runs/${run_id}`).catch((error: unknown) => {
        if (!isConnectionError(error)) throw error;
      });
      if (!answer) return true;
      answered++;
      expect(answer.status).toBe(200);
      expect(answer.headers.get('connection')).toBe('close');
      if (performance.now() - told < DRAINS_FOR_MS) expect(reader.end).toBeUndefined();
      return false;
    };
    await until(lastAnswer, 'connections are refused');
    const drained = performance.now() - told;
    expect(drained).toBeGreaterThan(DRAINS_FOR_MS);
    expect(answered).toBeGreaterThan(10);
    const took = await gone;
    expect(reader.end).toBe('closed');
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    figures.push(
      `SIGTERM of an API: /readyz says 503 after ${Math.round(saidMs)} ms, refuses after ${Math.round(drained)} ms, gone after ${Math.round(took)} ms`,
    );
    const after = await watch(other, run_id, { headers: { 'last-event-id': String(reader.events.at(-1)?.seq) } });
    expect((await other.request('POST', `/v1/runs/${run_id}/input`, { content: 'blue' })).status).toBe(200);
    await after.untilClosed();
    expect(reader.text + after.text).toBe((await wholeStory(other, run_id)).text);
    await one.restart();
  });

  it('told by SIGINT, by someone who waits at the terminal, does not drain', async () => {
    const took = await fastestOf(ROUNDS, DRAINS_FOR_MS, async () => {
      const began = performance.now();
      process.kill(one.pid, 'SIGINT');
      expect((await one.exited()).code).toBe(0);
      const goneAfter = performance.now() - began;
      await one.restart();
      return goneAfter;
    });
    figures.push(`SIGINT of an API: gone after ${Math.round(took)} ms`);
    expect(took).toBeLessThan(DRAINS_FOR_MS);
  });
});

describe('a worker', () => {
  const begun = () => (existsSync(log) ? readLines(log).filter(({ state }) => state === 'begun').length : 0);

  /** Gives the stopped worker, and the milliseconds after which the person was asked. */
  const stopInTool = async () => {
    const before = begun();
    const { run_id } = await postRun(other, `/tool shop/slow_deaf {"ms":${TOOL_MS}}\n/say done`);
    await until(() => begun() > before, 'the tool has begun');
    const worker = await cluster.workerOf(run_id);
    const reader = await watch(other, run_id);
    const told = performance.now();
    const took = await worker.stop();
    const { data } = await reader.untilType('run.waiting_for_input');
    const asked = reader.timeOf('run.waiting_for_input') - told;
    figures.push(
      `SIGTERM of a worker in a tool that does not end: asked after ${Math.round(asked)} ms, gone after ${Math.round(took)} ms`,
    );
    expect(data.kind).toBe('unknown_outcome');
    await other.request('POST', `/v1/runs/${run_id}/input`, { content: 'skip' });
    await reader.untilClosed();
    checkHistory(reader.events);
    expect(reader.events.at(-1)?.type).toBe('run.completed');
    expect(begun()).toBe(before + 1);
    expect(types(reader.events)).not.toContain('message.reset');
    return { worker, asked };
  };

  it('told by SIGTERM in a tool with side effects that does not end hands it over: a person is asked, and it is not made again', async () => {
    const { worker, asked } = await stopInTool();
    if (asked < ASKED_WITHIN_MS) return;
    // A pause of the machine makes one of two late, a heartbeat timeout both.
    await worker.restart();
    await cluster.untilPolling(worker);
    expect((await stopInTool()).asked).toBeLessThan(ASKED_WITHIN_MS);
  });
});
