/** What an active run is at, as dialects with statuses of their own show it. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  type ClockedJournal,
  openClockedJournal,
  type RunIds,
  serverCall,
} from '../../test/support/clocked-journal.ts';
import { partsOf, standingOf } from './run-picture.ts';

let journal: ClockedJournal;
beforeEach(async () => {
  journal = await openClockedJournal();
});
afterEach(() => journal.close());

const standing = async (run: RunIds) => await standingOf(journal.db, await journal.row(run));

it('a run whose answer was taken resumes until a step begins, and not again when that step is done', async () => {
  const run = await journal.create();
  await journal.turnWith(run, [
    { ...serverCall('note'), needs_approval: true },
    { kind: 'timer', offered: true, name: 'wait', arguments: {}, wait: { ms: 60_000 } },
  ]);
  expect(await standing(run)).toMatchObject({ requests: [{ kind: 'approval' }], resuming: false });
  journal.pass(1_000);
  await journal.answer(run, { content: 'approve' });
  expect(await standing(run)).toEqual({ requests: [], calls_at_work: true, resuming: true });
  const call = await journal.beginCall(run);
  expect(await standing(run)).toMatchObject({ calls_at_work: true, resuming: false });
  await journal.completeCall(call);
  expect(await standing(run)).toEqual({ requests: [], calls_at_work: false, resuming: false });
});

it('a run that has moved on since its row was read is shown as it is now', async () => {
  const run = await journal.create();
  await journal.turnWith(run, [{ ...serverCall('note'), needs_approval: true }]);
  const waiting = await journal.row(run);
  expect(await partsOf(journal.db, waiting)).toMatchObject({
    ...{ run: { status: 'waiting_for_input' }, standing: { requests: [{ kind: 'approval' }] } },
  });
  journal.pass(1_000);
  await journal.answer(run, { content: 'approve' });
  expect(await partsOf(journal.db, waiting)).toMatchObject({
    ...{ run: { status: 'running' }, standing: { requests: [], resuming: true } },
  });
});
