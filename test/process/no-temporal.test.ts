/** A server whose Temporal is not there yet: it accepts, says so, and goes on by itself when it comes. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import { findTemporalCli } from '../../src/temporal/local-server/index.ts';
import type { LocalTemporal } from '../../src/temporal/local-server/local-temporal.ts';
import { startLocalTemporal } from '../../src/temporal/local-server/start-server.ts';
import { checkHistory, types } from '../support/events.ts';
import { randomPort } from '../support/run-holdfast.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { postRun, statusOf, watch, wholeStory } from './reader.ts';

/** A start waits 3 s for a Temporal elsewhere. It takes longer than this if it waits 15 s, as for one of its own. */
const READY_WITHIN_MS = 16_000;
/** The link's longest pause is 5 s; then the worker is built and the outbox delivered. */
const RUNS_WITHIN_MS = 30_000;

async function startTemporal(server: TestServer, port: number): Promise<LocalTemporal> {
  const log = createLog('error');
  const cli = await findTemporalCli({ onProgress: () => undefined });
  const dataDir = join(server.cwd, 'temporal');
  return await startLocalTemporal({ dataDir, cli, log, port, uiPort: randomPort(26_000), exactPort: true });
}

describe('with TEMPORAL_ADDRESS pointing to nothing', { timeout: 120_000 }, () => {
  it('serves within seconds, accepts, cancels in SQL alone, and runs what it accepted when Temporal comes', async () => {
    const port = randomPort(32_000 - 5_000);
    await using server = await startServer({ env: { TEMPORAL_ADDRESS: `127.0.0.1:${port}` } });
    const { readyMs } = server;
    console.log(`start without Temporal: ready after ${Math.round(readyMs)} ms`);
    expect(await server.temporalPid()).toBeUndefined();
    expect((await server.request('GET', '/healthz')).status).toBe(200);
    const readyz = await server.request('GET', '/readyz');
    expect(readyz).toMatchObject({ status: 503 });
    expect(JSON.stringify(readyz.json)).toMatch(/"temporal":\{"state":"unreachable"/);

    const accepted = await postRun(server, '/say hello');
    const asking = await postRun(server, '/ask Which colour?');
    const unwanted = await postRun(server, '/say never');
    for (const run of [accepted, asking, unwanted]) expect(await statusOf(server, run.run_id)).toBe('queued');
    const busy = await server.request('POST', `/v1/threads/${accepted.thread_id}/runs`, { input: 'more' });
    expect(busy).toMatchObject({ status: 409, json: { code: 'threads.busy' } });
    expect((await server.request('POST', `/v1/runs/${unwanted.run_id}:cancel`)).json).toEqual({ ok: true });
    const cancelled = await wholeStory(server, unwanted.run_id);
    checkHistory(cancelled.events);
    expect(cancelled.events.at(-1)?.type).toBe('run.cancelled');
    expect(types(cancelled.events)).not.toContain('run.started');
    const details = await server.request('GET', `/v1/runs/${accepted.run_id}?include=live`);
    expect(details.json).toMatchObject({ status: 'queued', live: null });

    await server.kill();
    await server.restart();
    expect(Math.min(readyMs, server.readyMs)).toBeLessThan(READY_WITHIN_MS);
    const reader = await watch(server, accepted.run_id);
    const temporal = await startTemporal(server, port);
    const began = performance.now();
    try {
      await reader.untilClosed(RUNS_WITHIN_MS);
      console.log(`Temporal came: the accepted run completed ${Math.round(performance.now() - began)} ms later`);
      checkHistory(reader.events);
      expect(reader.events.at(-1)?.type).toBe('run.completed');
      const waiting = await watch(server, asking.run_id);
      await waiting.untilType('run.waiting_for_input');
      expect((await wholeStory(server, unwanted.run_id)).text).toBe(cancelled.text);
      await until(async () => (await server.request('GET', '/readyz')).status === 200, '/readyz says 200');

      // Temporal goes away again: an answer and a cancel are accepted all the same.
      const silent = await postRun(server, '/think ms=60000');
      const thinking = await watch(server, silent.run_id);
      await thinking.untilType('turn.started');
      await temporal.stop();
      const answer = await server.request('POST', `/v1/runs/${asking.run_id}/input`, { content: 'blue' });
      expect(answer.status).toBe(200);
      expect((await server.request('POST', `/v1/runs/${silent.run_id}:cancel`)).status).toBe(200);
      expect(await statusOf(server, silent.run_id)).toBe('cancelling');
      expect((await server.request('GET', '/readyz')).status).toBe(503);
      const back = await startTemporal(server, port);
      try {
        expect((await waiting.untilClosed(RUNS_WITHIN_MS)).events.at(-1)?.data.output).toContain('blue');
        expect((await thinking.untilClosed(RUNS_WITHIN_MS)).events.at(-1)?.type).toBe('run.cancelled');
        checkHistory(waiting.events);
        checkHistory(thinking.events);
      } finally {
        await server.stop().finally(() => back.stop());
      }
    } finally {
      await temporal.stop();
    }
  });

  it('stops at once', async () => {
    await using server = await startServer({ env: { TEMPORAL_ADDRESS: `127.0.0.1:${randomPort(27_000)}` } });
    console.log(`SIGTERM without Temporal: ended after ${Math.round(await server.stop())} ms`);
  });
});
