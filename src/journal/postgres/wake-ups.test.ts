/** How processes on one database learn of each other's commits: told after the commit, read from the table, healed by a poll. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createArgs, delta, ROUTE } from '../../../test/support/clocked-journal.ts';
import { holdTransaction } from '../../../test/support/held-transaction.ts';
import { createDatabase, onDatabase } from '../../../test/support/postgres-database.ts';
import { until } from '../../../test/support/until.ts';
import type { Appended, Journal } from '../journal.ts';
import type { Lease } from '../transactions/begin-turn.ts';
import { OrderedTelling } from './ordered-telling.ts';
import { openPostgresJournal } from './postgres-journal.ts';
import { packWakeUps, unpackWakeUps } from './wake-up-payload.ts';

let url: string;
let here: Journal;
let there: Journal;
beforeAll(async () => {
  url = await createDatabase();
  here = await openPostgresJournal({ url });
  there = await openPostgresJournal({ url });
  const listening = `select 1 from pg_stat_activity where datname = current_database() and query ilike 'listen %'`;
  await until(async () => (await onDatabase(url, listening)).length === 2, 'both listen');
});
afterAll(async () => {
  await here.close();
  await there.close();
});

async function startRun(): Promise<Lease> {
  const { value } = await here.write('createRun', createArgs());
  const ref = { org_id: 'org_a', run_id: value.run_id, epoch: 0 };
  const begun = await here.write('beginTurn', { ...ref, turn: 1, route: ROUTE, temporal_run_id: '' });
  if (!begun.begun) throw new Error('the turn did not begin');
  return begun.lease;
}

/** Follows a run in one process as a reader does: from `from` on. */
function follow(journal: Journal, runId: string, from: number) {
  const told: Appended[] = [];
  const seqs: number[] = [];
  let known = from;
  const stopWatching = journal.watch(runId, () => known);
  const stopListening = journal.onAppended((appended) => {
    if (appended.run_id !== runId) return;
    told.push(appended);
    for (const event of appended.events ?? []) if (event.seq > known) seqs.push(event.seq);
    known = Math.max(known, appended.last_seq);
  });
  return {
    ...{ told, seqs },
    stop() {
      stopWatching();
      stopListening();
    },
  };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('a commit', () => {
  it('is told to a process that watches the run, each event once and in order', async () => {
    const lease = await startRun();
    const followed = follow(there, lease.run_id, 2);
    for (let i = 0; i < 50; i++) await here.write('appendDeltas', { lease, events: [delta(`${i}`)] });
    await until(() => followed.seqs.length >= 50, 'all events have come');
    expect(followed.seqs).toEqual(numbers(3, 52));
    followed.stop();
  });

  it('is told in its own process once, with what was written', async () => {
    const lease = await startRun();
    const own = follow(here, lease.run_id, 2);
    const other = follow(there, lease.run_id, 2);
    await Promise.all(numbers(1, 30).map((i) => here.write('appendDeltas', { lease, events: [delta(`${i}`)] })));
    await until(() => other.seqs.length === 30, 'the other process has them');
    expect(own.told.map(({ last_seq, events }) => [last_seq, events?.length])).toEqual(
      numbers(3, 32).map((seq) => [seq, 1]),
    );
    own.stop();
    other.stop();
  });

  it('is told to nobody where the run is not watched', async () => {
    const [watched, other] = [await startRun(), await startRun()];
    const followed = follow(there, watched.run_id, 2);
    const told: string[] = [];
    const stop = there.onAppended(({ run_id }) => told.push(run_id));
    await here.write('appendDeltas', { lease: other, events: [delta('unseen')] });
    await here.write('appendDeltas', { lease: watched, events: [delta('seen')] });
    await until(() => followed.seqs.length === 1, 'the watched run was told of');
    expect(new Set(told)).toEqual(new Set([watched.run_id]));
    stop();
    followed.stop();
  });

  it('far ahead of the watcher is told without its events, which are then read page by page', async () => {
    const lease = await startRun();
    const followed = follow(there, lease.run_id, 2);
    await here.write('appendDeltas', { lease, events: numbers(1, 400).map((i) => delta(`${i}`)) });
    await until(() => followed.told.some(({ last_seq }) => last_seq === 402), 'the newest seq is known');
    expect(followed.told.find(({ last_seq }) => last_seq === 402)?.events).toBeUndefined();
    followed.stop();
  });

  it('that nobody told of is found by the poll', async () => {
    const lease = await startRun();
    const followed = follow(there, lease.run_id, 2);
    const silent = await holdTransaction(url);
    await silent.run('appendDeltas', { lease, events: [delta('from a process that died')] });
    await silent.commit();
    await until(() => followed.seqs.length === 1, 'the event was found');
    expect(followed.seqs).toEqual([3]);
    followed.stop();
  });
});

describe('an abort', () => {
  it('reaches its own process at once and the other one by notification, once each', async () => {
    const aborted: string[] = [];
    const stops = [
      here.onAbort((id) => aborted.push(`here ${id}`)),
      there.onAbort((id) => aborted.push(`there ${id}`)),
    ];
    here.abortRun('run_1');
    expect(aborted).toEqual(['here run_1']);
    await until(() => aborted.length === 2, 'the other process was told');
    here.abortRun('run_2');
    await until(() => aborted.includes('there run_2'), 'the other process was told again');
    expect(aborted).toEqual(['here run_1', 'there run_1', 'here run_2', 'there run_2']);
    for (const stop of stops) stop();
  });
});

describe('a connection for wake-ups that is lost', () => {
  it('is made again', async () => {
    const listeners = `select pid from pg_stat_activity where datname = current_database() and query ilike 'listen %'`;
    await onDatabase(url, `select pg_terminate_backend(pid) from (${listeners}) as listening`);
    let reached = 0;
    const stop = there.onAbort(() => reached++);
    const again = async () => {
      here.abortRun('run_3');
      return reached > 0;
    };
    await until(again, 'aborts reach the other process again');
    stop();
  });
});

describe('the payload of a notification', () => {
  it('holds any number of runs in parts that PostgreSQL takes', () => {
    const id = (i: number) => `run_${String(i).padStart(29, '0')}`;
    const told = new Map(numbers(1, 1_000).map((i) => [id(i), i * 1_000]));
    const payloads = packWakeUps(told, new Set([id(7), id(2_000)]));
    for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
    expect(payloads.length).toBeLessThan(7);
    const unpacked = payloads.flatMap(unpackWakeUps);
    expect(unpacked.slice(0, 1_000)).toEqual([...told].map(([run_id, last_seq]) => ({ run_id, last_seq })));
    expect(unpacked.slice(1_000)).toEqual([{ run_id: id(7) }, { run_id: id(2_000) }]);
    expect(packWakeUps(new Map(), new Set())).toEqual([]);
  });
});

describe('commits whose answers come in another order than they happened', () => {
  it('are told in the order in which they happened, those that failed not at all', () => {
    const told: string[] = [];
    const telling = new OrderedTelling(({ run_id, last_seq }) => told.push(`${run_id}:${last_seq}`));
    const [first, second, third, other] = [
      telling.expect([{ run_id: 'a', last_seq: 1 }]),
      telling.expect([{ run_id: 'a', last_seq: 2 }]),
      telling.expect([{ run_id: 'a', last_seq: 3 }]),
      telling.expect([{ run_id: 'b', last_seq: 1 }]),
    ];
    third(true);
    other(true);
    expect(told).toEqual(['b:1']);
    second(false);
    first(true);
    expect(told).toEqual(['b:1', 'a:1', 'a:3']);
  });
});
