/** How soon a cancel ends a silent model, seen from outside. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory } from '../support/events.ts';
import { TEST_KEY } from '../support/run-holdfast.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startWire, type WireServer } from '../wire/server.ts';
import { postRun, type Reader, watch } from './reader.ts';

/** The bound from the cancel to `run.cancelled`. */
const CANCELLED_WITHIN_MS = 200;
const ROUNDS = 15;

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const show = (values: number[]) => values.map((ms) => ms.toFixed(0)).join(', ');

let server: TestServer;
let wire: WireServer;
beforeAll(async () => {
  wire = await startWire({ 'openai-compatible': [{ text: ['Let me see'], fault: 'silent' }] });
  server = await startServer({
    yaml: `routes:
  - { id: demo, provider: demo }
  - { id: far, provider: openai-compatible, model: silent-1, base_url: "${wire.url}", api_key: any }
`,
  });
});
afterAll(async () => {
  await server.close();
  await wire.close();
});

/** Cancels and gives the milliseconds from the request to `run.cancelled` at the reader. */
async function cancel(runId: string, reader: Reader): Promise<number> {
  const began = performance.now();
  expect((await server.request('POST', `/v1/runs/${runId}:cancel`)).status).toBe(200);
  await reader.untilClosed();
  checkHistory(reader.events);
  expect(reader.events.at(-1)).toMatchObject({ type: 'run.cancelled', data: { unfinished: [] } });
  return reader.timeOf('run.cancelled') - began;
}

describe('cancel of a silent model', () => {
  it('ends the demo model in run.cancelled within 200 ms', async () => {
    const taken: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { run_id } = await postRun(server, '/think ms=30000');
      const reader = await watch(server, run_id);
      await reader.untilType('turn.started');
      taken.push(await cancel(run_id, reader));
    }
    console.log(`cancel of the silent demo model: median ${median(taken).toFixed(0)} ms of ${show(taken)}`);
    expect(median(taken)).toBeLessThanOrEqual(CANCELLED_WITHIN_MS);
  });

  it('closes the provider’s connection and ends in run.cancelled', async () => {
    const taken: number[] = [];
    const closed: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { run_id } = await postRun(server, 'hello', { route_id: 'far' });
      const reader = await watch(server, run_id);
      const request = await wire.request(round);
      await reader.untilType('message.delta');
      const began = performance.now();
      taken.push(await cancel(run_id, reader));
      closed.push((await request.closed) - began);
      expect(request.completed).toBe(false);
    }
    console.log(
      `cancel of a silent provider: median ${median(taken).toFixed(0)} ms of ${show(taken)}; its connection closed after median ${median(closed).toFixed(0)} ms of ${show(closed)}`,
    );
    expect(wire.requests).toHaveLength(ROUNDS);
    expect(median(taken)).toBeLessThanOrEqual(CANCELLED_WITHIN_MS);
    expect(median(closed)).toBeLessThanOrEqual(CANCELLED_WITHIN_MS);
  });

  it('closes the connection of a provider that has not even answered', async () => {
    wire.script('openai-compatible', [{ fault: 'mute' }]);
    const before = wire.requests.length;
    const { run_id } = await postRun(server, 'hello', { route_id: 'far' });
    const reader = await watch(server, run_id);
    const request = await wire.request(before);
    await reader.untilType('turn.started');
    await cancel(run_id, reader);
    await request.closed;
    expect(request.completed).toBe(false);
  });

  it('leaves the thread free, and a second cancel changes nothing', async () => {
    const { run_id, thread_id } = await postRun(server, '/think ms=30000');
    const reader = await watch(server, run_id);
    await reader.untilType('turn.started');
    await cancel(run_id, reader);
    expect(await server.request('POST', `/v1/runs/${run_id}:cancel`)).toMatchObject({
      status: 200,
      json: { ok: true },
    });
    const again = await server.request('GET', `/v1/runs/${run_id}/events`);
    expect(again.text).toBe(reader.text);
    const next = await server.request('POST', `/v1/threads/${thread_id}/runs`, { input: '/say next' });
    expect(next.status).toBe(201);
    const story = await (await watch(server, next.json.run_id, { key: TEST_KEY })).untilClosed();
    expect(story.events.at(-1)?.type).toBe('run.completed');
  });
});
