/** kill -9 of the server in every state of a run: alone, and together with its Temporal server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, types } from '../support/events.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { postRun, type Reader, type Started, statusOf, watch, wholeStory } from './reader.ts';

/** The bound from the restarted server's ready line to an active run's next event. */
const NEXT_EVENT_WITHIN_MS = 8_000;
const TEST_TIMEOUT_MS = 90_000;

const figures: string[] = [];
afterAll(() => console.log(figures.join('\n')));

describe.each([
  { killed: 'alone', kill: (server: TestServer) => server.kill() },
  { killed: 'together with Temporal', kill: (server: TestServer) => server.killEverything() },
])('after kill -9 of the server $killed', { timeout: TEST_TIMEOUT_MS }, ({ killed, kill }) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(async () => {
    await server.close();
  });

  /** Kills in the state that was reached, starts again, and gives the run's whole story once it has ended. */
  async function killAndFollow(run: Started, seen: Reader, act?: () => Promise<void>): Promise<Reader> {
    await kill(server);
    await server.thawTemporal();
    await until(() => seen.end, 'the reader loses its connection');
    await server.restart();
    const after = await watch(server, run.run_id, { query: `?after_seq=${seen.events.length}` });
    await act?.();
    await after.untilClosed(30_000);
    const replay = await wholeStory(server, run.run_id);
    checkHistory(replay.events);
    expect(replay.text).toBe(seen.text + after.text);
    await expectFreeThread(run);
    return replay;
  }

  async function expectFreeThread(run: Started): Promise<void> {
    const next = await server.request('POST', `/v1/threads/${run.thread_id}/runs`, { input: '/say next' });
    expect(next.status).toBe(201);
    expect((await wholeStory(server, next.json.run_id)).events.at(-1)?.type).toBe('run.completed');
  }

  async function started(input: string): Promise<{ run: Started; seen: Reader }> {
    const run = await postRun(server, input);
    return { run, seen: await watch(server, run.run_id) };
  }

  const expectEnd = (story: Reader, type: string) => expect(story.events.at(-1)?.type).toBe(type);
  const count = (story: Reader, type: string) => types(story.events).filter((seen) => seen === type).length;

  /** Time from the ready line to the first event that was not there before the kill. */
  async function timeToNextEvent(run: Started, seen: Reader, what: string): Promise<void> {
    const after = await watch(server, run.run_id, { query: `?after_seq=${seen.events.length}` });
    await after.until(() => true, 'the next event', 20_000);
    const ms = (after.arrivedAt[0] ?? Number.NaN) - server.readyAt;
    figures.push(
      `kill ${killed}, ${what}: next event (${after.events[0]?.type}) ${Math.round(ms)} ms after ready, ready after ${Math.round(server.readyMs)} ms`,
    );
    expect(ms).toBeLessThan(NEXT_EVENT_WITHIN_MS);
    await after.close();
  }

  it('a run that was just accepted, of which Temporal knows nothing, runs', async () => {
    await server.freezeTemporal();
    const { run, seen } = await started('/say hello');
    expect(await statusOf(server, run.run_id)).toBe('queued');
    const story = await killAndFollow(run, seen, () => timeToNextEvent(run, seen, 'queued'));
    expectEnd(story, 'run.completed');
    expect(count(story, 'run.started')).toBe(1);
  });

  it('a run whose server dies in the moment of its 201 runs', async () => {
    const run = await postRun(server, '/stream chunks=5 delay_ms=5');
    await kill(server);
    await server.restart();
    const story = await wholeStory(server, run.run_id, 30_000);
    checkHistory(story.events);
    expectEnd(story, 'run.completed');
    await expectFreeThread(run);
  });

  it('a stream cut in the middle is voided and tells its story again', async () => {
    const { run, seen } = await started('/stream chunks=60 delay_ms=60');
    await seen.until((event) => event.seq > 6, 'six events');
    const story = await killAndFollow(run, seen, () => timeToNextEvent(run, seen, 'mid-stream'));
    expectEnd(story, 'run.completed');
    expect(count(story, 'message.reset')).toBe(1);
    const reset = story.events.find((event) => event.type === 'message.reset');
    const voided = reset?.data.message_id;
    const kept = story.events.filter((event) => event.type === 'message.delta' && event.data.message_id !== voided);
    expect(kept).toHaveLength(60);
    expect(story.events.at(-1)?.data.output).toBe(kept.map((event) => event.data.content).join(''));
  });

  it('a silent model is asked again', async () => {
    const { run, seen } = await started('/think ms=4000\n/say thought');
    await seen.untilType('turn.started');
    const story = await killAndFollow(run, seen, () => timeToNextEvent(run, seen, 'silent'));
    expectEnd(story, 'run.completed');
    expect(story.events.at(-1)?.data.output).toContain('thought');
    expect(count(story, 'turn.started')).toBe(2);
  });

  it('a run that waits takes its answer', async () => {
    const { run, seen } = await started('/ask Which colour?');
    await seen.untilType('run.waiting_for_input');
    const story = await killAndFollow(run, seen, async () => {
      expect(await statusOf(server, run.run_id)).toBe('waiting_for_input');
      expect((await server.request('POST', `/v1/runs/${run.run_id}/input`, { content: 'blue' })).status).toBe(200);
    });
    expectEnd(story, 'run.completed');
    expect(story.events.at(-1)?.data.output).toContain('blue');
    expect(count(story, 'run.input_received')).toBe(1);
  });

  it.each([
    { moment: 'before Temporal heard of it', frozen: true },
    { moment: 'in the moment of its 200', frozen: false },
  ])('an accepted answer is applied once, the kill $moment', async ({ frozen }) => {
    const { run, seen } = await started('/ask Which colour?\n/ask Which shade?');
    const { data } = await seen.untilType('run.waiting_for_input');
    if (frozen) await server.freezeTemporal();
    const path = `/v1/runs/${run.run_id}/input`;
    expect((await server.request('POST', path, { content: 'blue', request_id: data.request_id })).status).toBe(200);
    const story = await killAndFollow(run, seen, async () => {
      const again = await server.request('POST', path, { content: 'red', request_id: data.request_id });
      expect(again).toMatchObject({ status: 409, json: { code: 'runs.input_stale' } });
      const after = await watch(server, run.run_id);
      const second = await after.until(
        (event) => event.type === 'run.waiting_for_input' && event.data.request_id !== data.request_id,
        'the second question',
        20_000,
      );
      expect(second.data.prompt).toBe('Which shade?');
      expect((await server.request('POST', path, { content: 'pale' })).status).toBe(200);
    });
    expectEnd(story, 'run.completed');
    expect(story.events.at(-1)?.data.output).toContain('pale');
    expect(count(story, 'run.input_received')).toBe(2);
    const results = story.events.filter((event) => event.type === 'tool.result');
    expect(results.map((event) => event.data.output)).toEqual(['blue', 'pale']);
  });

  it('an accepted cancel ends in run.cancelled', async () => {
    const { run, seen } = await started('/think ms=60000');
    await seen.untilType('turn.started');
    await server.freezeTemporal();
    expect((await server.request('POST', `/v1/runs/${run.run_id}:cancel`)).status).toBe(200);
    expect(await statusOf(server, run.run_id)).toBe('cancelling');
    const story = await killAndFollow(run, seen, () => timeToNextEvent(run, seen, 'cancelling'));
    expectEnd(story, 'run.cancelled');
    expect(count(story, 'run.cancel_requested')).toBe(1);
    expect(await statusOf(server, run.run_id)).toBe('cancelled');
  });

  it('a turn that ended in the journal alone is not taken again', async () => {
    const { run, seen } = await started('/think ms=400\n/ask Which colour?');
    await seen.untilType('turn.started');
    await server.freezeTemporal();
    await seen.untilType('run.waiting_for_input');
    const story = await killAndFollow(run, seen, async () => {
      expect((await server.request('POST', `/v1/runs/${run.run_id}/input`, { content: 'blue' })).status).toBe(200);
    });
    expectEnd(story, 'run.completed');
    const turns = story.events.filter((event) => event.type === 'turn.started').map((event) => event.data.turn);
    expect(turns).toEqual([1, 2]);
  });

  it('a run that completed stays as it was', async () => {
    const { run, seen } = await started('/think ms=400\n/say done');
    await seen.untilType('turn.started');
    await server.freezeTemporal();
    await seen.untilType('run.completed');
    const story = await killAndFollow(run, seen);
    expect(story.text).toBe(seen.text);
    expect(await statusOf(server, run.run_id)).toBe('completed');
  });
});
