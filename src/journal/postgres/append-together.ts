/**
 * Appends of many runs in one transaction of two round trips: begin, lock, look and insert in one flight, the commit in another. The
 * commit waits for the transaction's id, by which alone the database can say later what became of it, and for the numbers by which
 * its telling is put in order.
 *
 * Plain statements, not a function in the database: each sees what was committed before it, and there is nothing to migrate.
 */
import { allAnswered } from '../all-answered.ts';
import type { Appended } from '../journal.ts';
import { jsonOf } from '../run-row.ts';
import type { TransactionArgs } from '../transactions/index.ts';
import type { Sessions } from './connections.ts';
import type { Session } from './session.ts';
import { begin, type Performed, type Telling, throughCommit } from './transact.ts';

export type Append = TransactionArgs<'appendDeltas'>;

/**
 * What became of an append: `superseded` as `appendDeltas` says it, `not_locked` where another transaction has the run or the run is
 * gone: nothing was decided.
 */
export type AppendOutcome = 'appended' | 'superseded' | 'not_locked';

/**
 * Takes the runs that nobody else has, waiting for none: so a batch can be in no deadlock, and a run whose transaction is slow does not
 * hold up the others. Which ones were had is a setting of this transaction, for the next statement; outside of one there is none.
 */
const LOCK_RUNS = `
with had as (
  select runs.id
  from unnest($1::text[], $2::text[]) as wanted (run_id, org_id)
  join runs on runs.id = wanted.run_id and runs.org_id = wanted.org_id
  for update of runs skip locked
)
select coalesce(array_agg(id), '{}') as locked,
  set_config('holdfast.locked_runs', coalesce(array_agg(id), '{}')::text, true)
from had`;

/**
 * A statement after that of the locks, so that it sees runs and leases as they are under them: a lease that was replaced, or a run that
 * ended, before the row was had appends nothing. Times do not go back, as in `append`. `<> 1`, since by `= 0` all runs that are active
 * would be read from their index, while they seem to be few.
 */
export const APPEND_HELD = `
with clock as materialized (
  select (extract(epoch from clock_timestamp()) * 1000)::bigint as now
), locked as materialized (
  select unnest(nullif(current_setting('holdfast.locked_runs', true), '')::text[]) as run_id
), held as (
  select appends.i, appends.events, runs.id as run_id, runs.last_seq, greatest(runs.last_event_at, clock.now) as created_at
  from json_to_recordset($1::json) as appends (i int, run_id text, org_id text, step text, token text, events json)
  join locked on locked.run_id = appends.run_id
  join runs on runs.id = appends.run_id and runs.org_id = appends.org_id and runs.ended <> 1
  join steps on steps.run_id = appends.run_id and steps.step = appends.step
    and steps.state = 'leased' and steps.token = appends.token
  cross join clock
), numbered as (
  select held.i, held.run_id, held.created_at, said.event ->> 0 as type, said.event ->> 1 as data,
    held.last_seq + row_number() over (partition by held.run_id order by held.i, said.place) as seq
  from held cross join json_array_elements(held.events) with ordinality as said (event, place)
), inserted as (
  insert into events (run_id, seq, type, data, created_at)
  select run_id, seq, type, data, created_at from numbered
), moved as (
  update runs set last_seq = newest.seq, last_event_at = newest.created_at
  from (select run_id, max(seq) as seq, max(created_at) as created_at from numbered group by run_id) as newest
  where runs.id = newest.run_id
)
select i, max(seq) as last_seq, max(created_at) as created_at from numbered group by i`;

/** Commits what can be appended now, and says of each what became of it. Errors: as `transact`; then none was appended. */
export function appendTogether(pool: Sessions, appends: Append[], telling: Telling): Promise<AppendOutcome[]> {
  return throughCommit(pool, telling, (session) => perform(session, appends));
}

async function perform(session: Session, appends: Append[]): Promise<Performed<AppendOutcome[]>> {
  const flight = [begin(session), lockRuns(session, appends), appendHeld(session, appends)] as const;
  const [{ xid, now }, locked, numbers] = await allAnswered(flight);
  const outcomes = appends.map(({ lease }, i): AppendOutcome => {
    if (numbers.has(i)) return 'appended';
    return locked.has(lease.run_id) ? 'superseded' : 'not_locked';
  });
  const appended = appends.flatMap((append, i) => {
    const numbered = numbers.get(i);
    return numbered ? [appendedBy(append, numbered)] : [];
  });
  return { value: outcomes, xid, ctx: { now, appended, intents: [] } };
}

async function lockRuns(session: Session, appends: Append[]): Promise<Set<string>> {
  const runs = [...new Map(appends.map(({ lease }) => [lease.run_id, lease])).values()];
  const parameters = [runs.map((run) => run.run_id), runs.map((run) => run.org_id)];
  const { rows } = await session.query<{ locked: string[] }>(LOCK_RUNS, parameters, 'lock-runs');
  return new Set(rows[0]?.locked);
}

type Numbered = { last_seq: number; created_at: number };

/** Gives the numbers of what was appended, by the append's place. */
async function appendHeld(session: Session, appends: Append[]): Promise<Map<number, Numbered>> {
  const wanted = appends.map(({ lease: { run_id, org_id, step, token }, events }, i) => ({
    ...{ i, run_id, org_id, step, token },
    events: events.map((event) => [event.type, jsonOf(event)]),
  }));
  const { rows } = await session.query<Numbered & { i: number }>(APPEND_HELD, [JSON.stringify(wanted)], 'append-held');
  return new Map(rows.map(({ i, ...numbered }) => [i, numbered]));
}

function appendedBy({ lease, events }: Append, { last_seq, created_at }: Numbered): Appended {
  const rows = events.map((event, i) => ({
    ...{ seq: last_seq - events.length + 1 + i, type: event.type },
    ...{ data: jsonOf(event), created_at },
  }));
  return { run_id: lease.run_id, last_seq, events: rows };
}
