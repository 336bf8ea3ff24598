/** One history: invariants 1 and 2, on a real store with its own way to commit. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createArgs, delta, ROUTE, turnOf } from '../../test/support/clocked-journal.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { openTestJournal, removeDatabaseOf, type TestJournal } from '../../test/support/test-journal.ts';
import { isTerminalEvent } from '../runs/event-frames.ts';
import type { Lease } from './transactions/begin-turn.ts';

let journal: TestJournal;
let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(async () => {
  directory = temporaryDirectory();
  journal = await openTestJournal(directory.path);
});
afterEach(async () => {
  await journal.close();
  await removeDatabaseOf(directory.path);
  directory.remove();
});

async function startRun(): Promise<Lease> {
  const { value } = await journal.write('createRun', createArgs());
  const ref = { org_id: 'org_a', run_id: value.run_id, epoch: 0 };
  const begun = await journal.write('beginTurn', { ...ref, turn: 1, route: ROUTE, temporal_run_id: '' });
  if (!begun.begun) throw new Error('the turn did not begin');
  return begun.lease;
}

const seqs = async (runId: string) =>
  (await journal.db.selectFrom('events').select('seq').where('run_id', '=', runId).orderBy('seq').execute()).map(
    (row) => row.seq,
  );

describe('the history of runs written at the same time', () => {
  it('is 1, 2, 3 … in each, without gaps, under 200 concurrent appends', async () => {
    const leases = await Promise.all(Array.from({ length: 8 }, startRun));
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => {
        const lease = leases[i % leases.length] as Lease;
        const events = Array.from({ length: (i % 3) + 1 }, (_, n) => delta(`${i}.${n}`));
        return journal.write('appendDeltas', { lease, events });
      }),
    );
    for (const { run_id } of leases) {
      const stored = await seqs(run_id);
      expect(stored).toEqual(stored.map((_, i) => i + 1));
      const run = await journal.db.selectFrom('runs').select('last_seq').where('id', '=', run_id).executeTakeFirst();
      expect(run?.last_seq).toBe(stored.length);
    }
    const all = await journal.db.selectFrom('events').select('seq').where('type', '=', 'message.delta').execute();
    expect(all).toHaveLength(Array.from({ length: 200 }, (_, i) => (i % 3) + 1).reduce((a, b) => a + b));
  });

  it('keeps what a refused append was written beside', async () => {
    const lease = await startRun();
    const refused: Lease = { ...lease, token: 'taken from it' };
    const writes = Array.from({ length: 60 }, (_, i) =>
      journal.write('appendDeltas', { lease: i % 2 ? refused : lease, events: [delta(`${i}`)] }),
    );
    const settled = await Promise.allSettled(writes);
    expect(settled.map((one) => one.status)).toEqual(settled.map((_, i) => (i % 2 ? 'rejected' : 'fulfilled')));
    expect(await seqs(lease.run_id)).toHaveLength(2 + 30);
  });

  it('tells of commits in the order of the events', async () => {
    const told: number[] = [];
    const lease = await startRun();
    journal.onAppended(({ events }) => told.push(...(events ?? []).map((event) => event.seq)));
    await Promise.all(
      Array.from({ length: 100 }, (_, i) => journal.write('appendDeltas', { lease, events: [delta(`${i}`)] })),
    );
    expect(told).toEqual(Array.from({ length: 100 }, (_, i) => i + 3));
  });
});

describe('an event', () => {
  it('is on disk, for another connection to read, when anybody is told of it', async () => {
    const lease = await startRun();
    const other = await openTestJournal(directory.path);
    const looks: Promise<{ told: number; stored: number }>[] = [];
    journal.onAppended(({ run_id, last_seq }) => {
      const newest = other.db.selectFrom('events').select('seq').where('run_id', '=', run_id).orderBy('seq', 'desc');
      const stored = newest.limit(1).executeTakeFirstOrThrow();
      looks.push(stored.then(({ seq }) => ({ told: last_seq, stored: seq })));
    });
    for (let i = 0; i < 100; i++) await journal.write('appendDeltas', { lease, events: [delta(`${i}`)] });
    const looked = await Promise.all(looks);
    await other.close();
    expect(looked).toHaveLength(100);
    expect(looked.filter(({ told, stored }) => stored < told)).toEqual([]);
  });

  it('is told to nobody when its commit fails', async () => {
    const lease = await startRun();
    let told = 0;
    journal.onAppended(() => told++);
    await journal.fillDisk();
    const large = delta('x'.repeat(200_000));
    await expect(journal.write('appendDeltas', { lease, events: [large] })).rejects.toMatchObject({
      code: 'journal.unavailable',
      retryAfterS: expect.any(Number),
    });
    expect(told).toBe(0);
    expect(await seqs(lease.run_id)).toHaveLength(2);
    await journal.makeRoom();
    await journal.write('appendDeltas', { lease, events: [large] });
    expect(await seqs(lease.run_id)).toEqual([1, 2, 3]);
  });
});

describe('the end of a run', () => {
  it('is one terminal event, whoever else wants to end it at the same time', async () => {
    const lease = await startRun();
    const ref = { org_id: 'org_a', run_id: lease.run_id, epoch: 0 };
    await Promise.allSettled([
      journal.write('completeTurn', turnOf(lease)),
      journal.write('finishRun', { ...ref, as: { status: 'failed', code: 'engine.terminated', message: '' } }),
      journal.write('finishRun', { ...ref, as: { status: 'cancelled', reason: 'cancel_requested' } }),
      journal.write('appendDeltas', { lease, events: [delta('late')] }),
      journal.write('failAttempt', {
        ...{ lease, release: 'provider_error', events: [delta('later')], usage: turnOf(lease).usage, cost_usd: 0 },
        ...{ error: { code: 'provider.failed', message: '', retryable: false }, retries: 0, fallback: null },
      }),
    ]);
    const events = await journal.db.selectFrom('events').select('type').orderBy('seq').execute();
    const ends = events.filter((event) => isTerminalEvent(event.type));
    // Which of them comes first is decided by the store.
    expect(ends).toHaveLength(1);
    expect(events.at(-1)).toEqual(ends[0]);
    expect(await seqs(lease.run_id)).toEqual(events.map((_, i) => i + 1));
  });
});
