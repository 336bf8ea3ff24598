/** SIGTERM and SIGINT: an orderly end within 10 s at any time, and the next start goes on. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { checkHistory } from '../support/events.ts';
import { TEST_KEY } from '../support/run-holdfast.ts';
import { startServer, TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { postRun, watch, wholeStory } from './reader.ts';

/** A stop costs a run no more than a kill may. */
const NEXT_EVENT_WITHIN_MS = 8_000;

const figures: string[] = [];
afterAll(() => console.log(figures.join('\n')));

describe('SIGTERM', { timeout: 90_000 }, () => {
  it('while runs stream, think and wait ends the server with 0 and its Temporal server; the next start completes them', async () => {
    await using server = await startServer();
    const streaming = await postRun(server, '/stream chunks=500 delay_ms=20');
    const silent = await postRun(server, '/think ms=10000\n/say thought');
    const waiting = await postRun(server, '/ask Which colour?');
    const seen = await watch(server, streaming.run_id);
    await (await watch(server, waiting.run_id)).untilType('run.waiting_for_input');
    await (await watch(server, silent.run_id)).untilType('turn.started');
    await seen.until((event) => event.seq > 20, 'twenty events');
    const temporal = await server.temporalPid();
    figures.push(`SIGTERM while runs stream: ended after ${Math.round(await server.stop())} ms`);
    expect(temporal).toBeDefined();
    expect(await server.temporalPid()).toBeUndefined();
    await until(() => seen.end, 'the reader’s stream ends');

    await server.restart();
    const after = await watch(server, streaming.run_id, { query: `?after_seq=${seen.events.length}` });
    await after.untilType('message.delta', 20_000);
    const ms = after.timeOf('message.delta') - server.readyAt;
    figures.push(`SIGTERM while runs stream: the next delta ${Math.round(ms)} ms after the next start was ready`);
    expect(ms).toBeLessThan(NEXT_EVENT_WITHIN_MS);
    const answer = await server.request('POST', `/v1/runs/${waiting.run_id}/input`, { content: 'blue' });
    expect(answer.status).toBe(200);
    for (const run of [streaming, silent, waiting]) {
      const story = await wholeStory(server, run.run_id, 40_000);
      checkHistory(story.events);
      expect(story.events.at(-1)?.type).toBe('run.completed');
      const resets = story.events.filter((event) => event.type === 'message.reset');
      expect(resets.map((event) => event.data.reason)).toEqual(run === waiting ? [] : ['worker_shutdown']);
      if (run === streaming) expect(story.text.startsWith(seen.text)).toBe(true);
    }
  });

  it('with nothing to do ends the server at once, and the next is ready when it says so', async () => {
    await using server = await startServer();
    figures.push(`start on an empty directory: ready after ${Math.round(server.readyMs)} ms`);
    figures.push(`SIGTERM when idle: ended after ${Math.round(await server.stop())} ms`);
    await server.restart();
    figures.push(`start on a stopped directory: ready after ${Math.round(server.readyMs)} ms`);
    expect(await server.request('GET', '/readyz')).toMatchObject({ status: 200, json: { ready: true } });
  });

  it.each([
    { sight: '', laterMs: 50 },
    { sight: 'Temporal CLI found', laterMs: 0 },
    { sight: 'Temporal server started', laterMs: 0 },
    { sight: 'Temporal server started', laterMs: 200 },
    { sight: 'Temporal server started', laterMs: 600 },
  ])('in a start, $laterMs ms after it said "$sight", leaves nothing behind', async ({ sight, laterMs }) => {
    await using server = new TestServer({});
    server.spawn();
    await until(() => server.stderr.includes(sight), sight, 20_000);
    await delay(laterMs);
    process.kill(server.pid, 'SIGTERM');
    const { code, signal } = await server.exited();
    // Before the program has put its handler in place the system ends it.
    expect(signal === 'SIGTERM' || code === 0, `${signal} ${code} ${server.stderr}`).toBe(true);
    expect(await server.temporalPid()).toBeUndefined();
    await server.restart();
    const story = await wholeStory(server, (await postRun(server, '/say hello')).run_id);
    expect(story.events.at(-1)?.type).toBe('run.completed');
  });
});

describe('a start', () => {
  it('prints its ready line at any log level, and nothing else', async () => {
    await using server = await startServer({ env: { HOLDFAST_LOG: 'error' } });
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(server.stderr).toBe('');
  });

  it('without HOLDFAST_API_KEY writes a key that only its owner reads, the same after a restart', async () => {
    await using server = await startServer({ env: { HOLDFAST_API_KEY: '' } });
    const file = join(server.dataDir, 'api-key');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(server.dataDir).mode & 0o077).toBe(0);
    const listed = await server.holdfast(['runs']);
    expect(listed).toMatchObject({ code: 0, stdout: '' });
    expect((await server.request('GET', '/v1/runs')).json.code).toBe('auth.invalid_token');
    const { mtimeMs } = statSync(file);
    await server.kill();
    await server.restart();
    expect(statSync(file).mtimeMs).toBe(mtimeMs);
    expect((await server.holdfast(['runs'])).code).toBe(0);
    expect(server.stderr).not.toContain(TEST_KEY);
  });
});
