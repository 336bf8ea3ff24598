/** Appends of many runs in one transaction: as if each had its own, and no run waits for another. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CALLER, clientCall, delta, ROUTE, serverCall, turnOf } from '../../../test/support/clocked-journal.ts';
import { untilWaiting } from '../../../test/support/held-transaction.ts';
import { onDatabase } from '../../../test/support/postgres-database.ts';
import { openRaces, outcomeOf, type Races } from '../../../test/support/race.ts';
import type { Appended } from '../journal.ts';
import type { Lease } from '../transactions/begin-turn.ts';
import { type Append, appendTogether } from './append-together.ts';
import { appendConfig, connectionConfig, MAX_WAITING, Sessions } from './connections.ts';
import { GatheredAppends, MAX_BATCH_APPENDS } from './gathered-appends.ts';

let races: Races;
beforeAll(async () => {
  races = await openRaces();
});
afterAll(() => races.close());

const append = (lease: Lease, ...said: string[]) =>
  races.write('appendDeltas', { lease, events: said.map((content) => delta(content)) });
const leaseOfNewRun = async () => await races.lease(await races.create());
const leases = (count: number) => Promise.all(Array.from({ length: count }, leaseOfNewRun));

/** Ends the run under its step, which goes on. */
const end = ({ org_id, run_id }: Lease) =>
  races.write('finishRun', { org_id, run_id, epoch: 0, as: { status: 'cancelled', reason: 'test' } });

/** The run's deltas in order, each with its number. */
async function saidIn({ run_id }: Lease): Promise<[number, string][]> {
  const rows = races.db.selectFrom('events').select(['seq', 'type', 'data']).where('run_id', '=', run_id);
  return (await rows.orderBy('seq').execute())
    .filter(({ type }) => type === 'message.delta')
    .map(({ seq, data }) => [seq, (JSON.parse(data) as { content: string }).content]);
}

/** The transactions that wrote these runs' deltas. */
async function commitsOf(of: Lease[]): Promise<number> {
  const ids = of.map(({ run_id }) => `'${run_id}'`).join();
  const sql = `select distinct xmin::text from events where type = 'message.delta' and run_id in (${ids})`;
  return (await onDatabase(races.url, sql)).length;
}

/** The two steps of a run whose turn called two tools that run side by side. */
async function twoSteps(): Promise<[Lease, Lease]> {
  const run = await races.create();
  await races.write(
    'completeTurn',
    turnOf(await races.lease(run), { calls: [serverCall('one'), serverCall('two'), clientCall('open')] }),
  );
  const begin = async (idx: number) => {
    const { org_id, run_id, epoch } = run;
    const begun = await races.write('beginCall', { org_id, run_id, epoch, turn: 1, idx });
    if (!begun.begun) throw new Error(`call ${idx} did not begin`);
    return begun.lease;
  };
  return [await begin(0), await begin(1)];
}

describe('appends of many runs at once', () => {
  it('share commits, each run gapless and in its order', async () => {
    const all = await leases(50);
    const rounds = ['a', 'b', 'c'];
    for (const round of rounds) await Promise.all(all.map((lease) => append(lease, `${round}1`, `${round}2`)));
    for (const lease of all) {
      expect(await saidIn(lease)).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2'].map((text, i) => [3 + i, text]));
      expect(await races.row(lease.run_id)).toMatchObject({ last_seq: 8 });
    }
    expect(await commitsOf(all)).toBe(rounds.length);
  });

  it('are told of run by run, in order and once', async () => {
    const all = await leases(5);
    const told: Appended[] = [];
    const stop = races.journal.onAppended((appended) => told.push(appended));
    await Promise.all([...all, ...all].map((lease) => append(lease, 'x', 'y')));
    stop();
    for (const { run_id } of all) {
      const own = told.filter((appended) => appended.run_id === run_id);
      expect(own.map(({ last_seq, events }) => [last_seq, events?.map(({ seq }) => seq)])).toEqual([
        [4, [3, 4]],
        [6, [5, 6]],
      ]);
      const stored = await races.db
        .selectFrom('events')
        .selectAll()
        .where('run_id', '=', run_id)
        .orderBy('seq')
        .execute();
      expect(own.flatMap(({ events }) => events)).toEqual(stored.slice(2).map(({ run_id: _, ...event }) => event));
    }
  });

  it('that are more than a batch holds go in the next', async () => {
    const lease = await leaseOfNewRun();
    const texts = Array.from({ length: MAX_BATCH_APPENDS + 1 }, (_, i) => `${i}`);
    await Promise.all(texts.map((text) => append(lease, text)));
    expect(await saidIn(lease)).toEqual(texts.map((text, i) => [3 + i, text]));
    expect(await commitsOf([lease])).toBe(2);
  });

  it('that are larger than a batch go in the next', async () => {
    const [first, second] = (await leases(2)) as [Lease, Lease];
    const large = 'x'.repeat(600_000);
    await Promise.all([append(first, large), append(second, large)]);
    expect(await commitsOf([first, second])).toBe(2);
  });

  it('are bounded while they wait: one too many is told at once to come again', async () => {
    const lease = await leaseOfNewRun();
    const answer = Promise.withResolvers<void>();
    const together = async (batch: Append[]) => {
      await answer.promise;
      return batch.map(() => 'appended' as const);
    };
    const alone = () => Promise.reject(new Error('none goes alone'));
    const slow = new GatheredAppends({ together, alone });
    const say = () => slow.append({ lease, events: [delta('x')] });
    const waiting = Array.from({ length: MAX_WAITING }, say);
    await expect(say()).rejects.toMatchObject({ code: 'journal.unavailable', retryAfterS: expect.any(Number) });
    answer.resolve();
    await Promise.all(waiting);
    await say();
  });

  it('of two steps of one run are numbered one after the other', async () => {
    const steps = await twoSteps();
    const before = (await races.row(steps[0].run_id)).last_seq;
    await Promise.all([append(steps[0], 'a', 'b'), append(steps[1], 'c'), append(steps[0], 'd')]);
    expect(await saidIn(steps[0])).toEqual(['a', 'b', 'c', 'd'].map((text, i) => [before + 1 + i, text]));
    expect(await commitsOf([steps[0]])).toBe(1);
  });
});

it('an append after an event of the future, by a clock that was set back, has its time', async () => {
  const lease = await leaseOfNewRun();
  const future = Date.now() + 3_600_000;
  await onDatabase(races.url, `update runs set last_event_at = ${future} where id = '${lease.run_id}'`);
  await append(lease, 'x');
  const rows = races.db.selectFrom('events').select('created_at').where('run_id', '=', lease.run_id);
  expect((await rows.orderBy('seq', 'desc').executeTakeFirst())?.created_at).toBe(future);
  expect(await races.row(lease.run_id)).toMatchObject({ last_event_at: future });
});

describe('among them', () => {
  it('one whose lease was replaced is refused, and its neighbours are not', async () => {
    const run = await races.create();
    const stale = await races.lease(run);
    const held = await races.lease(run);
    const other = await leaseOfNewRun();
    const settled = await Promise.allSettled([append(other, 'a'), append(stale, 'b'), append(held, 'c')]);
    expect(settled.map(outcomeOf)).toEqual([undefined, 'steps.superseded', undefined]);
    expect((await saidIn(held)).map(([, text]) => text)).toEqual(['c']);
    expect(await commitsOf([other, held])).toBe(1);
  });

  it('one of a run that has ended, of another organisation, or of no run, is refused alone', async () => {
    const [ended, foreign, other] = (await leases(3)) as [Lease, Lease, Lease];
    await end(ended);
    const settled = await Promise.allSettled([
      append(ended, 'a'),
      append({ ...foreign, org_id: 'org_b' }, 'b'),
      append(foreign, 'own'),
      append({ ...foreign, run_id: 'run_none' }, 'c'),
      append(other, 'd'),
    ]);
    const refused = 'steps.superseded';
    expect(settled.map(outcomeOf)).toEqual([refused, refused, undefined, refused, undefined]);
    expect([await saidIn(ended), await saidIn(foreign)]).toEqual([[], [[3, 'own']]]);
  });

  it('one that the database does not take fails alone', async () => {
    const [wrong, right] = (await leases(2)) as [Lease, Lease];
    await onDatabase(races.url, `alter table events add constraint no_such check (data not like '%"forbidden"%')`);
    const settled = await Promise.allSettled([append(wrong, 'forbidden'), append(right, 'allowed')]);
    await onDatabase(races.url, 'alter table events drop constraint no_such');
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect([await saidIn(wrong), await saidIn(right)]).toEqual([[], [[3, 'allowed']]]);
  });
});

describe('a run that another transaction holds', () => {
  it('does not hold up its neighbours, and is appended to when it is free', async () => {
    const [slow, other] = (await leases(2)) as [Lease, Lease];
    const held = await races.hold();
    await held.query(`update runs set metadata = '{"a":"1"}' where id = '${slow.run_id}'`);
    const late = append(slow, 'late');
    await append(other, 'at once');
    await untilWaiting(races.url);
    for (const text of ['and', 'again']) await append(other, text);
    expect([(await saidIn(slow)).length, (await saidIn(other)).length]).toEqual([0, 3]);
    await held.commit();
    await late;
    expect(await saidIn(slow)).toEqual([[3, 'late']]);
  });

  it('for a new lease: the append by the old one, which waited, is refused', async () => {
    const run = await races.create();
    const [stale, other] = [await races.lease(run), await leaseOfNewRun()];
    const begin = { ...{ org_id: run.org_id, run_id: run.run_id, epoch: 0, turn: 1 }, route: ROUTE };
    const late = await races.meet(
      (held) => held('beginTurn', begin),
      () => Promise.all([append(stale, 'late'), append(other, 'x')]),
    );
    expect(outcomeOf(late)).toBe('steps.superseded');
    expect([(await saidIn(stale)).length, (await saidIn(other)).length]).toEqual([0, 1]);
  });
});

/**
 * A batch that has begun to look for its runs and has taken none yet: every comparison of texts on its connection waits for a lock that
 * the test holds, and so what it sees is older than what it takes.
 */
async function stalledBatch(appends: Append[], meanwhile: () => Promise<unknown>) {
  await onDatabase(
    races.url,
    'drop schema if exists stalling cascade',
    'create schema stalling',
    `create function stalling.equal(a text, b text) returns boolean language plpgsql as $$
     begin perform pg_advisory_lock_shared(7); perform pg_advisory_unlock_shared(7); return texteq(a, b); end $$`,
    'create operator stalling.= (leftarg = text, rightarg = text, function = stalling.equal)',
  );
  const pool = new Sessions(appendConfig(connectionConfig(races.url)), 1, () => undefined);
  const session = await pool.take();
  await session.query('set search_path = stalling, public, pg_catalog');
  session.release();
  const held = await races.hold();
  await held.query('select pg_advisory_xact_lock(7)');
  const outcomes = appendTogether(pool, appends, () => () => undefined);
  await untilWaiting(races.url);
  await meanwhile();
  await held.commit();
  try {
    return await outcomes;
  } finally {
    await pool.end();
  }
}

describe('a run that changes between the look of a batch and its lock', () => {
  const say = (lease: Lease): Append => ({ lease, events: [delta('late')] });

  it('for a new lease: the old one appends nothing', async () => {
    const run = await races.create();
    const [stale, other] = [await races.lease(run), await leaseOfNewRun()];
    const outcomes = await stalledBatch([say(stale), say(other)], () => races.lease(run));
    expect(outcomes).toEqual(['superseded', 'appended']);
    expect([(await saidIn(stale)).length, (await saidIn(other)).length]).toEqual([0, 1]);
  });

  it('by its end: nothing comes after it', async () => {
    const [lease, other] = (await leases(2)) as [Lease, Lease];
    const outcomes = await stalledBatch([say(lease), say(other)], () => end(lease));
    expect(outcomes).toEqual(['superseded', 'appended']);
    expect(await saidIn(lease)).toEqual([]);
  });

  it('by other events: the numbers go on after them, and times do not go back', async () => {
    const lease = await leaseOfNewRun();
    const cancel = () => races.write('requestCancel', { caller: CALLER, run_id: lease.run_id });
    expect(await stalledBatch([say(lease)], cancel)).toEqual(['appended']);
    const rows = races.db.selectFrom('events').select(['seq', 'type', 'created_at']).where('run_id', '=', lease.run_id);
    const events = await rows.orderBy('seq').execute();
    expect(events.map(({ seq, type }) => [seq, type]).slice(-2)).toEqual([
      [3, 'run.cancel_requested'],
      [4, 'message.delta'],
    ]);
    const times = events.map((event) => event.created_at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});
