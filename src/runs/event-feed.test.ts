/** Readers of events when the ground moves under them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestHoldfast } from '../../test/support/holdfast.ts';

let harness: Awaited<ReturnType<typeof openTestHoldfast>>;
beforeAll(async () => {
  harness = await openTestHoldfast();
});
afterAll(async () => {
  await harness.close();
});

it('a reader that is behind ends when its thread is deleted, and everybody else goes on', async () => {
  const created = await harness.send('POST', '/v1/runs', { body: { input: 'x' } });
  const { run_id, thread_id } = (await created.json()) as { run_id: string; thread_id: string };
  const ref = { org_id: 'org_a', run_id, epoch: 0 };
  const route = { id: 'demo', model: 'demo', fallback: null, price: null };
  const begun = await harness.journal.write('beginTurn', { ...ref, turn: 1, route });
  if (!begun.begun) throw new Error('the turn did not begin');
  const events = Array.from({ length: 1_000 }, (_, i) => ({ type: 'message.delta', data: { content: `${i} ` } }));
  await harness.journal.write('appendDeltas', { lease: begun.lease, events });
  await harness.journal.write('finishRun', { ...ref, as: { status: 'cancelled', reason: 'test' } });

  const reading = await harness.send('GET', `/v1/runs/${run_id}/events`);
  const reader = (reading.body as ReadableStream<Uint8Array>).getReader();
  expect((await reader.read()).done).toBe(false);
  expect((await harness.send('DELETE', `/v1/threads/${thread_id}`)).status).toBe(200);
  let chunks = 0;
  while (!(await reader.read()).done) chunks++;
  expect(chunks).toBeLessThan(5);
  expect((await harness.send('GET', '/v1/runs')).status).toBe(200);
});
