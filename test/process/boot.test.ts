/** kill -9 while a server starts, again and again, and two starts at once: the next start just works. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { checkHistory } from '../support/events.ts';
import { startServer, TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { postRun, type Reader, watch, wholeStory } from './reader.ts';

async function expectWorks(server: TestServer): Promise<void> {
  const story = await wholeStory(server, (await postRun(server, '/say hello')).run_id);
  checkHistory(story.events);
  expect(story.events.at(-1)?.type).toBe('run.completed');
}

describe('kill -9', { timeout: 180_000 }, () => {
  it('at many moments of the first starts on a directory leaves one that starts', async () => {
    await using server = new TestServer({});
    for (const laterMs of [300, 600, 900, 1_100, 1_300, 1_500, 1_800, 2_200]) {
      server.spawn();
      await delay(laterMs);
      await server.kill();
    }
    await server.restart();
    await expectWorks(server);
  });

  it('of everything at many moments of the starts leaves one that starts', async () => {
    await using server = new TestServer({});
    for (const laterMs of [700, 1_000, 1_200, 1_500, 2_000]) {
      server.spawn();
      await delay(laterMs);
      await server.killEverything();
    }
    await server.restart();
    await expectWorks(server);
  });

  it('five times under running work costs no run its history, and nobody an event', async () => {
    await using server = await startServer();
    const runs = [];
    for (const input of ['/stream chunks=150 delay_ms=60', '/think ms=8000\n/say thought', '/ask Which colour?']) {
      for (let i = 0; i < 3; i++) runs.push({ ...(await postRun(server, input)), seen: '', last: 0 });
    }
    for (let round = 0; round < 5; round++) {
      const readers: Reader[] = [];
      for (const run of runs) {
        const reader = await watch(server, run.run_id, { query: `?after_seq=${run.last}` });
        readers.push(reader);
      }
      await until(() => readers.some((reader) => reader.events.length > round), 'some events', 15_000);
      await delay(Math.random() * 1_500);
      await (round % 2 === 0 ? server.killEverything() : server.kill());
      for (const [i, run] of runs.entries()) {
        const reader = readers[i] as Reader;
        await until(() => reader.end, 'the reader’s stream ends');
        run.seen += reader.text;
        run.last += reader.events.length;
      }
      await server.restart();
    }
    for (const run of runs.slice(6)) {
      await (await watch(server, run.run_id)).untilType('run.waiting_for_input');
      expect((await server.request('POST', `/v1/runs/${run.run_id}/input`, { content: 'blue' })).status).toBe(200);
    }
    for (const run of runs) {
      const story = await wholeStory(server, run.run_id, 40_000);
      checkHistory(story.events);
      expect(story.events.at(-1)?.type).toBe('run.completed');
      expect(story.text.startsWith(run.seen), 'what was seen is how the story begins').toBe(true);
    }
  });
});

it('of two starts at once on one directory exactly one serves', { timeout: 60_000 }, async () => {
  await using one = new TestServer({});
  await using two = new TestServer({ dataDir: one.dataDir });
  const ends = await Promise.allSettled([one.start(), two.start()]);
  expect(ends.map((end) => end.status).toSorted()).toEqual(['fulfilled', 'rejected']);
  const [serving, refused] = ends[0].status === 'fulfilled' ? [one, two] : [two, one];
  expect((await refused.exited()).code).toBe(1);
  expect(refused.stderr).toContain('data_dir.in_use');
  await expectWorks(serving);
});
