/** Readers of events when the ground moves under them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestHoldfast } from '../../test/support/holdfast.ts';
import { until } from '../../test/support/until.ts';
import { EventFeed } from './event-feed.ts';

let harness: Awaited<ReturnType<typeof openTestHoldfast>>;
beforeAll(async () => {
  harness = await openTestHoldfast();
});
afterAll(async () => {
  await harness.close();
});

it('readers that catch up together or one after the other get all events after their own position', async () => {
  const { run_id, last_seq } = await endedRun(1_000);
  const positions = [0, 0, 1, 100, 255, 256, 257, 700, last_seq - 1];
  const read = async (afterSeq: number) => {
    const text = await (await harness.send('GET', `/v1/runs/${run_id}/events?after_seq=${afterSeq}`)).text();
    return [...text.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => Number(seq));
  };
  const expected = positions.map((from) => Array.from({ length: last_seq - from }, (_, i) => from + i + 1));
  expect(await Promise.all(positions.map(read))).toEqual(expected);
  for (const [i, from] of positions.entries()) expect(await read(from)).toEqual(expected[i]);
});

it('a reader that is behind ends when its thread is deleted, and everybody else goes on', async () => {
  const { run_id, thread_id } = await endedRun(1_000);
  const reading = await harness.send('GET', `/v1/runs/${run_id}/events`);
  const reader = (reading.body as ReadableStream<Uint8Array>).getReader();
  expect((await reader.read()).done).toBe(false);
  expect((await harness.send('DELETE', `/v1/threads/${thread_id}`)).status).toBe(200);
  let chunks = 0;
  while (!(await reader.read()).done) chunks++;
  expect(chunks).toBeLessThan(5);
  expect((await harness.send('GET', '/v1/runs')).status).toBe(200);
});

it('a reader gets what another one finds stored before anybody told of it, however long nothing more comes', async () => {
  const { journal } = harness;
  // As when another process has committed, and its wake-up is under way.
  const untold = { ...journal, onAppended: () => () => undefined, watch: () => () => undefined };
  const feed = new EventFeed(untold, (error) => {
    throw error;
  });
  const created = await harness.send('POST', '/v1/runs', { body: { input: 'x' } });
  const { run_id } = (await created.json()) as { run_id: string };
  const stored = () =>
    journal.db.selectFrom('runs').select(['last_seq', 'ended']).where('id', '=', run_id).executeTakeFirstOrThrow();
  const read = () =>
    feed.read({ org_id: 'org_a', run_id, after_seq: 0, follow: true, key_id: 'key' }, async () => {
      const { last_seq, ended } = await stored();
      return { last_seq, ended: ended === 1 };
    });
  const early = (await read()).getReader();
  let heard = '';
  void early.read().then(({ value }) => {
    heard = Buffer.from(value ?? []).toString();
  });
  const route = { id: 'demo', model: 'demo', fallback: null, price: null };
  await journal.write('beginTurn', { org_id: 'org_a', run_id, epoch: 0, turn: 1, route });
  await (await read()).cancel();
  await until(() => heard !== '', 'the reader that was there before gets the events');
  expect(heard).toContain('event: run.started');
  feed.close();
});

/** A run that was cancelled after `deltas` deltas. */
async function endedRun(deltas: number): Promise<{ run_id: string; thread_id: string; last_seq: number }> {
  const created = await harness.send('POST', '/v1/runs', { body: { input: 'x' } });
  const { run_id, thread_id } = (await created.json()) as { run_id: string; thread_id: string };
  const ref = { org_id: 'org_a', run_id, epoch: 0 };
  const route = { id: 'demo', model: 'demo', fallback: null, price: null };
  const begun = await harness.journal.write('beginTurn', { ...ref, turn: 1, route });
  if (!begun.begun) throw new Error('the turn did not begin');
  const events = Array.from({ length: deltas }, (_, i) => ({ type: 'message.delta', data: { content: `${i} ` } }));
  await harness.journal.write('appendDeltas', { lease: begun.lease, events });
  await harness.journal.write('finishRun', { ...ref, as: { status: 'cancelled', reason: 'test' } });
  const ended = await harness.send('GET', `/v1/runs/${run_id}`);
  return { run_id, thread_id, last_seq: ((await ended.json()) as { last_seq: number }).last_seq };
}
