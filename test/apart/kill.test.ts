/** kill -9 and SIGTERM of one of several processes: what it was at goes on at another. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import { openLink } from '../../src/temporal/link.ts';
import { postRun, watch, wholeStory } from '../process/reader.ts';
import { type Cluster, openCluster } from '../support/cluster.ts';
import { checkHistory, types } from '../support/events.ts';
import { fastestOf } from '../support/fastest.ts';
import type { TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';

/** The bound of the design from a kill to the run's next event, with another worker alive. */
const NEXT_EVENT_WITHIN_MS = 8_000;

const figures: string[] = [];
let cluster: Cluster;
let one: TestServer;
let other: TestServer;
beforeAll(async () => {
  cluster = await openCluster({ apis: 2, workers: 2 });
  [one, other] = cluster.apis as [TestServer, TestServer];
});
afterAll(async () => {
  console.log(figures.join('\n'));
  await cluster.close();
});

describe('kill -9', { timeout: 180_000 }, () => {
  it('of the worker that streams: the other worker goes on within 8 s', async () => {
    expect(await fastestOf(2, NEXT_EVENT_WITHIN_MS, killWhileItStreams)).toBeLessThan(NEXT_EVENT_WITHIN_MS);
  });

  /** Kills the worker of a run and gives the milliseconds to the next event, when both workers poll again. */
  async function killWhileItStreams(): Promise<number> {
    const { run_id } = await postRun(one, '/stream chunks=200 delay_ms=30');
    const reader = await watch(other, run_id);
    await reader.until((event) => event.seq > 15, 'the run streams');
    const worker = await cluster.workerOf(run_id);
    await worker.kill();
    const killed = performance.now();
    const seen = reader.events.length;
    await until(() => reader.events.length > seen, 'the next event', 20_000);
    const took = (reader.arrivedAt[seen] ?? 0) - killed;
    figures.push(`kill -9 of the worker that streams: next event after ${Math.round(took)} ms`);
    await reader.untilClosed();
    checkHistory(reader.events);
    expect(reader.events.at(-1)?.type).toBe('run.completed');
    expect(types(reader.events).filter((type) => type === 'message.reset')).toHaveLength(1);
    await worker.restart();
    await cluster.untilPolling(worker);
    return took;
  }

  it('of the API that accepted a run and shows it: its reader goes on at the other API', async () => {
    const { run_id } = await postRun(one, '/stream chunks=60 delay_ms=30\n/ask Which?');
    const before = await watch(one, run_id);
    await before.until((event) => event.seq > 10, 'the run streams');
    await one.kill();
    await until(() => before.end, 'the reader loses its connection');
    const after = await watch(other, run_id, { query: `?after_seq=${before.events.length}` });
    await after.untilType('run.waiting_for_input');
    expect((await other.request('POST', `/v1/runs/${run_id}/input`, { content: 'blue' })).status).toBe(200);
    await after.untilClosed();
    await one.restart();
    const story = await wholeStory(one, run_id);
    checkHistory(story.events);
    expect(types(story.events)).not.toContain('message.reset');
    expect(before.text + after.text).toBe(story.text);
  });

  it('of an API in the moment of its 201: the run is started by whoever is left', async () => {
    const { run_id } = await postRun(one, '/say hello');
    await one.kill();
    const story = await wholeStory(other, run_id, 30_000);
    checkHistory(story.events);
    expect(story.events.at(-1)?.type).toBe('run.completed');
    await one.restart();
  });
});

describe('SIGTERM', { timeout: 90_000 }, () => {
  it('of the worker that streams: it hands the run over and is gone within 10 s', async () => {
    await until(async () => (await one.request('GET', '/readyz')).status === 200, 'the cluster is ready');
    const { run_id } = await postRun(one, '/stream chunks=400 delay_ms=30');
    const reader = await watch(other, run_id);
    await reader.until((event) => event.seq > 10, 'the run streams');
    const worker = await cluster.workerOf(run_id);
    const told = performance.now();
    figures.push(`SIGTERM of the worker that streams: gone after ${Math.round(await worker.stop())} ms`);
    await reader.untilClosed(30_000);
    checkHistory(reader.events);
    expect(reader.events.at(-1)?.type).toBe('run.completed');
    const handed = reader.events.findIndex((event) => event.type === 'message.reset');
    expect(reader.events[handed]?.data.reason).toBe('worker_shutdown');
    const [before, reset] = [reader.arrivedAt[handed - 1] ?? 0, reader.arrivedAt[handed] ?? Number.NaN];
    const delta = reader.events.findIndex((event, i) => i > handed && event.type === 'message.delta');
    const silent = (reader.arrivedAt[delta] ?? Number.NaN) - before;
    figures.push(
      `handed over ${Math.round(reset - told)} ms after SIGTERM: ${Math.round(reset - before)} ms from the last delta to the reset, ${Math.round(silent)} ms to the next`,
    );
    expect(silent).toBeLessThan(NEXT_EVENT_WITHIN_MS);
    // Not by the silence of a worker that was killed.
    expect(await failureOf(run_id)).toBe('step.worker_shutdown');
    await worker.restart();
  });
});

/** What ended the attempt before its step's last in Temporal: the type that the worker gave it; undefined for a timeout. */
async function failureOf(runId: string): Promise<string | null | undefined> {
  const address = Promise.resolve(inject('temporalAddress'));
  const link = openLink({ namespace: 'default', address, log: createLog('silent') });
  try {
    const { client } = await link.connected();
    const { events } = await client.workflow.getHandle(runId).fetchHistory();
    const failures = (events ?? []).flatMap((event) => event.activityTaskStartedEventAttributes?.lastFailure ?? []);
    return failures.at(-1)?.applicationFailureInfo?.type;
  } finally {
    await link.close();
  }
}
