/** How often a transaction waits for the database: each time is a change of process on both sides, and a wait for whoever wants the same run. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createArgs, delta, ROUTE, turnOf } from '../../../test/support/clocked-journal.ts';
import { createDatabase, throughProxy } from '../../../test/support/postgres-database.ts';
import { startProxy } from '../../../test/support/proxy.ts';
import type { Journal } from '../journal.ts';
import { MAX_ALONG } from './kysely-on-session.ts';
import { openPostgresJournal } from './postgres-journal.ts';

const BEGIN = Buffer.from('begin isolation level');
const COMMIT = Buffer.from('commit\0');

let journal: Journal;
/** Pieces in which the transaction that committed last was sent. */
let roundTrips: number;
let close: () => Promise<void>;
beforeAll(async () => {
  const url = await createDatabase();
  const pieces = new Map<object, number>();
  const proxy = await startProxy(new URL(url).host, {
    tap(chunk, from, connection) {
      if (from === 'server') return true;
      const sent = chunk.includes(BEGIN) ? 1 : (pieces.get(connection) ?? 0) + 1;
      pieces.set(connection, sent);
      if (chunk.includes(COMMIT)) roundTrips = sent;
      return true;
    },
  });
  journal = await openPostgresJournal({ url: throughProxy(url, proxy) });
  close = async () => {
    await journal.close();
    await proxy.close();
  };
});
afterAll(() => close());

it('of many writes, some are waited for: the process has time for others meanwhile', async () => {
  const messages = Array.from({ length: 200 }, (_, i) => ({
    role: 'user' as const,
    content: [{ type: 'text' as const, text: `message ${i}` }],
  }));
  await journal.write('createThread', { org_id: 'org_a', messages });
  expect(roundTrips).toBeGreaterThan((2 * messages.length) / (MAX_ALONG + 1));
});

it('a run is created, begun, spoken in and ended in so many round trips', async () => {
  const { run_id } = (await journal.write('createRun', createArgs())).value;
  expect(roundTrips, 'begin; all else and commit').toBe(2);
  const begun = await journal.write('beginTurn', { org_id: 'org_a', run_id, epoch: 0, turn: 1, route: ROUTE });
  if (!begun.begun) throw new Error('the turn did not begin');
  expect(roundTrips, 'begin, run and step; messages to the run; commit').toBe(3);
  await journal.write('appendDeltas', { lease: begun.lease, events: [delta('Hello')] });
  expect(roundTrips, 'begin, run and append; commit').toBe(2);
  await journal.write('completeTurn', turnOf(begun.lease));
  expect(roundTrips, 'begin, run and step; messages to the run; those taken; thread; its queue; commit').toBe(6);
});
