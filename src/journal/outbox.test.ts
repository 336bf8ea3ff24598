/** The outbox (invariant 4): an intent is there from the commit that accepts it to the commit that shows its effect. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CALLER,
  type ClockedJournal,
  openClockedJournal,
  question,
  serverCall,
  turnOf,
} from '../../test/support/clocked-journal.ts';
import { checkHistory, types } from '../../test/support/events.ts';
import { OUTBOX_FIRST_RETRY_MS, OUTBOX_LAST_RETRY_MS } from './intents.ts';

let journal: ClockedJournal;
beforeEach(async () => {
  journal = await openClockedJournal();
});
afterEach(() => journal.close());

const cancel = (run: { run_id: string }) => journal.write('requestCancel', { caller: CALLER, run_id: run.run_id });
const claim = () => journal.write('claimIntents', { limit: 10 });

describe('the intent to start a run', () => {
  it('is there until run.started', async () => {
    const run = await journal.create();
    expect(await journal.outbox(run)).toEqual(['start']);
    await journal.lease(run);
    expect(await journal.outbox(run)).toEqual([]);
  });

  it('is gone when the run ends without having begun', async () => {
    const run = await journal.create();
    const { value } = await cancel(run);
    expect(value).toEqual({ ok: true });
    expect(await journal.outbox(run)).toEqual([]);
    expect(types(await journal.events(run))).toEqual(['run.cancel_requested', 'run.cancelled']);
    expect(await journal.begin(run)).toMatchObject({ outcome: { outcome: 'ended', status: 'cancelled' } });
  });

  it('is not written when the create is refused', async () => {
    const run = await journal.create();
    await expect(journal.create({}, { thread_id: run.thread_id })).rejects.toMatchObject({ code: 'threads.busy' });
    expect(await journal.db.selectFrom('outbox').select('id').execute()).toHaveLength(1);
  });

  it('is gone when a rebuilt workflow has read where the run is', async () => {
    const run = await journal.create();
    await journal.lease(run);
    await journal.write('rebuildRun', run);
    expect(await journal.outbox(run)).toEqual(['start']);
    await journal.write('loadRun', { ...run, epoch: 1 });
    expect(await journal.outbox(run)).toEqual([]);
  });
});

describe('claiming what is due', () => {
  it('takes as much of each organisation as of the others, and the oldest of each', async () => {
    const many = [];
    for (let i = 0; i < 20; i++) many.push(await journal.create());
    const other = { ...CALLER, org_id: 'org_of_one' };
    const one = await journal.create({}, { caller: other });
    journal.pass(OUTBOX_FIRST_RETRY_MS);
    const claimed = await claim();
    expect(claimed.map((intent) => intent.run_id)).toEqual([...many.slice(0, 9).map((run) => run.run_id), one.run_id]);
    expect((await claim()).map((intent) => intent.run_id)).toEqual(many.slice(9, 19).map((run) => run.run_id));
  });
});

describe('the intent to tell of an answer', () => {
  it('is there until the next step begins', async () => {
    const run = await journal.create();
    await journal.turnWith(run, [question('Which?')]);
    expect(await journal.outbox(run)).toEqual([]);
    await journal.answer(run, { content: 'blue' });
    expect(await journal.outbox(run)).toEqual(['input']);
    await journal.lease(run, 2);
    expect(await journal.outbox(run)).toEqual([]);
  });

  it('is there still when a call of the same turn begins, which is not its effect', async () => {
    const run = await journal.create();
    await journal.turnWith(run, [serverCall('look'), question('Which?')]);
    await journal.answer(run, { content: 'blue' });
    const begun = await journal.write('beginCall', { ...run, turn: 1, idx: 0 });
    expect(begun.begun).toBe(true);
    expect(await journal.outbox(run)).toEqual(['input']);
  });

  it('carries the id of the request and nothing of the answer', async () => {
    const run = await journal.create();
    await journal.turnWith(run, [question('Which?')]);
    await journal.answer(run, { content: 'blue' });
    const [row] = await journal.db.selectFrom('outbox').selectAll().execute();
    expect(row?.ref).toBe((await journal.requests(run))[0]?.id);
    expect(JSON.stringify(row)).not.toContain('blue');
  });
});

describe('the intent to cancel', () => {
  it('is there until the terminal event, and once', async () => {
    const run = await journal.create();
    await journal.lease(run);
    expect((await cancel(run)).value).toEqual({ ok: true });
    await cancel(run);
    expect(await journal.outbox(run)).toEqual(['cancel']);
    await journal.write('finishRun', { ...run, as: { status: 'cancelled', reason: 'cancel_requested' } });
    expect(await journal.outbox(run)).toEqual([]);
    const events = await journal.events(run);
    checkHistory(events);
    expect(types(events).filter((type) => type === 'run.cancel_requested')).toHaveLength(1);
    expect((await cancel(run)).value).toEqual({ ok: true });
    expect(await journal.events(run)).toEqual(events);
  });

  it('survives a completion that comes too late', async () => {
    const run = await journal.create();
    const lease = await journal.lease(run);
    await cancel(run);
    expect(await journal.write('completeTurn', turnOf(lease))).toEqual({ outcome: 'cancelled' });
    expect(await journal.outbox(run)).toEqual(['cancel']);
    expect((await journal.row(run)).status).toBe('cancelling');
  });
});

describe('an intent whose effect does not show', () => {
  it('is due after 5 s, then after waits that double up to 5 minutes', async () => {
    await journal.create();
    expect(await claim()).toEqual([]);
    const waits: number[] = [];
    let since = journal.now();
    for (let step = 0; step < 200; step++) {
      if ((await claim()).length > 0) {
        waits.push(journal.now() - since);
        since = journal.now();
      }
      journal.pass(OUTBOX_FIRST_RETRY_MS);
    }
    expect(waits.map((ms) => ms / 1_000)).toEqual([5, 5, 10, 20, 40, 80, 160, 300, 300]);
    expect(OUTBOX_LAST_RETRY_MS).toBe(300_000);
  });

  it('is due at once when Temporal is back', async () => {
    const run = await journal.create();
    await journal.write('expediteIntents', {});
    expect(await claim()).toMatchObject([{ run_id: run.run_id, kind: 'start' }]);
  });

  it('comes after the older ones of its run', async () => {
    const run = await journal.create();
    await journal.turnWith(run, [question('Which?')]);
    await journal.answer(run, { content: 'blue' });
    await cancel(run);
    await journal.write('expediteIntents', {});
    expect((await claim()).map((intent) => intent.kind)).toEqual(['input', 'cancel']);
  });
});
