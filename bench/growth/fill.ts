/** Makes a store that holds many ended runs: one thread's, copied with other ids and times. */
import { inSlot, type Pattern, patternOf, STAMP, THREAD_STAMP } from './pattern.ts';
import { type Slot, slotOf } from './slots.ts';
import { insertRows, openSql, type Sql } from './sql.ts';

/** Runs that are copied in one transaction, so that their rows are sorted in memory. */
const RUNS_AT_A_TIME = 50_000;
/** Its newest copy is older than what is created from here on. */
const AGE_MS = 60 * 60_000;

/** A store that has been filled, and how its runs are found. */
export type Filled = {
  runs: number;
  events: number;
  seconds: number;
  runIdAt(slot: number): string;
  threadIdAt(slot: number): string;
};

/** Adds `runs` ended runs, a multiple of 1,000, to a store on which no server runs, as the runs of the thread have left it. */
export async function fill(store: string, threadId: string, runs: number): Promise<Filled> {
  const began = performance.now();
  const until = Date.now() - AGE_MS;
  const at = (slot: number) => slotOf(slot, runs, until);
  const sql = await openSql(store);
  try {
    const pattern = await patternOf(sql, threadId);
    await prepare(sql, pattern);
    for (let from = 0; from < runs; from += RUNS_AT_A_TIME) {
      const slots = Array.from({ length: Math.min(RUNS_AT_A_TIME, runs - from) }, (_, i) => at(from + i));
      await copyInto(sql, pattern, slots);
    }
    await sql.settle();
    const [stored] = await sql.run('select count(*) as events from events');
    return {
      runs,
      events: Number(stored?.events),
      seconds: (performance.now() - began) / 1_000,
      runIdAt: (slot) => (pattern.runIds[at(slot).place] ?? '').replace(STAMP, at(slot).stamp),
      threadIdAt: (slot) => pattern.threadId.replace(THREAD_STAMP, at(slot).thread_stamp),
    };
  } finally {
    await sql.close();
  }
}

async function prepare(sql: Sql, { tables }: Pattern): Promise<void> {
  await sql.run(
    'create temporary table slots (slot integer primary key, place integer, ms bigint, stamp text, thread_stamp text)',
  );
  for (const [table, rows] of Object.entries(tables)) {
    await sql.run(
      `create temporary table pattern_${table} as select *, 0 as place, 0 as row from ${table} where 1 = 0`,
    );
    await sql.run(`create index pattern_${table}_by_place on pattern_${table} (place, row)`);
    await insertRows(sql, `pattern_${table}`, rows);
  }
}

async function copyInto(sql: Sql, { tables }: Pattern, slots: Slot[]): Promise<void> {
  await sql.run('begin');
  await sql.run('delete from slots');
  await insertRows(sql, 'slots', slots);
  for (const [table, rows] of Object.entries(tables)) {
    const columns = Object.keys(rows[0] ?? {}).filter((column) => column !== 'place' && column !== 'row');
    const values = columns.map((column) => inSlot(column, rows));
    // In the order in which the runs' own transactions would have inserted them.
    await sql.run(
      `insert into ${table} (${columns}) select ${values} from slots s join pattern_${table} p on p.place = s.place
      order by s.slot, p.row`,
    );
  }
  await sql.run('commit');
}
