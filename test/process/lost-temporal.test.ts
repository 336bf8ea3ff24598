/** Temporal's database lost under active and waiting runs: the journal rebuilds the engine. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkHistory, types } from '../support/events.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { postRun, watch, wholeStory } from './reader.ts';

const TEST_TIMEOUT_MS = 120_000;
/** Quiet runs are compared with Temporal every 20 s, once they have been quiet for 10 s. */
const REBUILT_WITHIN_MS = 45_000;

const figures: string[] = [];
afterAll(() => console.log(figures.join('\n')));

function deleteDatabase(server: TestServer): void {
  const files = readdirSync(server.dataDir).filter((name) => name.startsWith('temporal.db'));
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) rmSync(join(server.dataDir, file));
}

describe.each([
  {
    when: 'while everything is down after kill -9',
    lose: async (server: TestServer) => {
      await server.killEverything();
      deleteDatabase(server);
      await server.restart();
    },
  },
  {
    when: 'while the server runs',
    lose: async (server: TestServer) => {
      await server.killTemporal();
      deleteDatabase(server);
    },
  },
])('when Temporal loses its database $when', { timeout: TEST_TIMEOUT_MS }, ({ when, lose }) => {
  it('streaming, silent, waiting, answered, cancelled and queued runs end as if nothing had happened', async () => {
    await using server = await startServer();
    const streaming = await postRun(server, '/stream chunks=200 delay_ms=25');
    const silent = await postRun(server, '/think ms=4000\n/say thought');
    const waiting = await postRun(server, '/ask Which colour?');
    const answered = await postRun(server, '/ask Which colour?');
    const cancelled = await postRun(server, '/think ms=60000');
    await (await watch(server, waiting.run_id)).untilType('run.waiting_for_input');
    await (await watch(server, answered.run_id)).untilType('run.waiting_for_input');
    await (await watch(server, cancelled.run_id)).untilType('turn.started');
    const seen = await watch(server, streaming.run_id);
    await seen.until((event) => event.seq > 10, 'ten events');

    await server.freezeTemporal();
    const queued = await postRun(server, '/say queued');
    const answer = await server.request('POST', `/v1/runs/${answered.run_id}/input`, { content: 'red' });
    expect(answer.status).toBe(200);
    expect((await server.request('POST', `/v1/runs/${cancelled.run_id}:cancel`)).status).toBe(200);
    await lose(server);
    const lostAt = Date.now();

    const late = await server.request('POST', `/v1/runs/${waiting.run_id}/input`, { content: 'blue' });
    expect(late.status).toBe(200);
    const ends: Record<string, string> = {};
    for (const [name, run] of Object.entries({ streaming, silent, waiting, answered, cancelled, queued })) {
      const story = await wholeStory(server, run.run_id, REBUILT_WITHIN_MS);
      checkHistory(story.events);
      expect(types(story.events).filter((type) => type === 'run.input_received').length).toBeLessThan(2);
      const { type, data } = story.events.at(-1) as (typeof story.events)[number];
      ends[name] = `${type}${/blue|red|thought|queued/.exec(String(data.output))?.[0] ?? ''}`;
      figures.push(
        `lost ${when}: ${name} ended ${Date.parse(story.events.at(-1)?.created_at ?? '') - lostAt} ms later`,
      );
    }
    expect(ends).toEqual({
      streaming: 'run.completed',
      silent: 'run.completedthought',
      waiting: 'run.completedblue',
      answered: 'run.completedred',
      cancelled: 'run.cancelled',
      queued: 'run.completedqueued',
    });
  });
});
