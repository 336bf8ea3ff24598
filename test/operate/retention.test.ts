/** `retention_days` on a whole stack: the relay deletes, and who asks is told that there is nothing. */
import { sql } from 'kysely';
import { afterEach, expect, it } from 'vitest';
import { endedAt } from '../../src/journal/transactions/purge.ts';
import { eventsToEnd } from '../support/events.ts';
import { openTestHoldfast } from '../support/holdfast.ts';
import { answer, closedAs, createRun, detailsOf, waitingOf } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';
import { sampleSum, scrape } from './scrape.ts';

const SECOND_IN_DAYS = 1 / (24 * 60 * 60);

let stack: Stack;
afterEach(async () => {
  await stack.close();
});

const statusOf = async (path: string) => (await stack.send('GET', path)).status;
const rows = async (table: 'events' | 'steps' | 'messages') =>
  (
    await stack.journal.db
      .selectFrom(table)
      .select((eb) => eb.fn.countAll().as('n'))
      .executeTakeFirstOrThrow()
  ).n;

it('runs that ended go, with their events and in the end their thread; one that waits stays and can be answered', async () => {
  stack = await openStack({ file: { retention_days: SECOND_IN_DAYS } });
  const old = await createRun(stack, '/say Hello.');
  await eventsToEnd(stack, old);
  await closedAs(stack, old);
  const { thread_id } = await detailsOf(stack, old);
  const waiting = await createRun(stack, '/ask Which?');
  await waitingOf(stack, waiting);
  const gone = async () => {
    await stack.relay.purge();
    return (await statusOf(`/v1/threads/${thread_id}`)) === 404;
  };
  await until(gone, 'the thread is purged');
  expect(await statusOf(`/v1/runs/${old}`)).toBe(404);
  expect(await statusOf(`/v1/runs/${old}/events`)).toBe(404);
  expect(await statusOf(`/v1/threads/${thread_id}/messages`)).toBe(404);
  const listed = (await (await stack.send('GET', '/v1/runs')).json()) as { run_id: string }[];
  expect(listed.map((run) => run.run_id)).toEqual([waiting]);
  const { samples } = await scrape(stack);
  expect(sampleSum(samples, 'holdfast_purged_total', { what: 'runs' })).toBe(1);
  expect(sampleSum(samples, 'holdfast_purged_total', { what: 'threads' })).toBe(1);

  await answer(stack, waiting, 'blue');
  await eventsToEnd(stack, waiting);
  const { last_seq } = await detailsOf(stack, waiting);
  expect([await rows('events'), await rows('steps'), await rows('messages')]).toEqual([last_seq, 2, 3]);
});

it('0 keeps everything', async () => {
  stack = await openStack({ file: { retention_days: 0 } });
  const run = await createRun(stack, 'hello');
  await eventsToEnd(stack, run);
  await stack.relay.purge();
  expect(await statusOf(`/v1/runs/${run}`)).toBe(200);
  const { samples } = await scrape(stack);
  expect(sampleSum(samples, 'holdfast_purged_total')).toBeUndefined();
});

it('old runs are found from the index of their ends, however many are young', async () => {
  stack = await openTestHoldfast();
  const { db } = stack.journal;
  const old = db.selectFrom('runs').select('id').where(sql.ref('ended'), '=', sql.lit(1));
  const { sql: text } = old.where(endedAt, '<', 0).orderBy(endedAt).compile();
  const { rows: steps } = await sql<{ detail: string }>`explain query plan ${sql.raw(text.replace('?', '0'))}`.execute(
    db,
  );
  expect(steps.map(({ detail }) => detail)).toEqual(['SEARCH runs USING INDEX runs_by_ending (<expr><?)']);
});
