/** The rows that a thread's runs have left in every table, as a pattern for others: without what is of its own time. */

import { STAMP_LENGTH } from './slots.ts';
import type { Sql, Value, Values } from './sql.ts';
import { literal } from './sql.ts';

/** Stand for the time that an id begins with: a run's, and its thread's. */
export const STAMP = '~'.repeat(STAMP_LENGTH);
export const THREAD_STAMP = '^'.repeat(STAMP_LENGTH);

/** An id of `src/ids.ts`: its prefix, the time, the rest. */
const IDS = new RegExp(`\\b(run|thread|msg|call|input|out)_[0-9a-z]{${STAMP_LENGTH}}([0-9a-z]{19})\\b`, 'g');
const IS_TIME = /(_at|_since)$/;

/** `row` by `row`; `place` is the run's place in its thread. Times are milliseconds after the run's creation. */
export type PatternRow = Values & { place: number; row: number };

export type Pattern = {
  tables: Record<string, PatternRow[]>;
  /** The run's id at a place, but for its time. */
  runIds: string[];
  threadId: string;
};

type Found = { table: string; rows: Values[]; runIdOf: (row: Values) => Value | undefined };

/** Reads it from a store in which every run of the thread has ended. */
export async function patternOf(sql: Sql, threadId: string): Promise<Pattern> {
  const ofThread = `thread_id = ${literal(threadId)}`;
  const runs = await sql.run(`select * from runs where ${ofThread} order by id`);
  const ofRuns = `run_id in (${runs.map(({ id }) => literal(id ?? null))})`;
  const pending = await sql.run(
    `select id from outbox where ${ofRuns} union all select id from run_messages where ${ofRuns}`,
  );
  if (pending.length > 0) throw new Error(`the runs of ${threadId} have left something to do`);
  const byRun = ({ run_id }: Values) => run_id;
  const found: Found[] = [
    {
      table: 'threads',
      rows: await sql.run(`select * from threads where id = ${literal(threadId)}`),
      runIdOf: () => runs[0]?.id,
    },
    { table: 'runs', rows: runs, runIdOf: ({ id }) => id },
    {
      table: 'messages',
      rows: await sql.run(`select * from messages where ${ofThread} order by position`),
      runIdOf: byRun,
    },
    { table: 'calls', rows: await sql.run(`select * from calls where ${ofThread}`), runIdOf: byRun },
    { table: 'inputs', rows: await sql.run(`select * from inputs where ${ofThread}`), runIdOf: byRun },
    {
      table: 'events',
      rows: await sql.run(`select * from events where ${ofRuns} order by run_id, seq`),
      runIdOf: byRun,
    },
    {
      table: 'steps',
      rows: await sql.run(`select * from steps where ${ofRuns} order by run_id, step`),
      runIdOf: byRun,
    },
  ];
  const tables: Pattern['tables'] = {};
  for (const { table, rows, runIdOf } of found) {
    if (rows.length === 0) throw new Error(`the runs of ${threadId} have left nothing in ${table}`);
    tables[table] = rows.map((values, row) => {
      const place = runs.findIndex(({ id }) => id === runIdOf(values));
      if (place < 0) throw new Error(`a row of ${table} belongs to no run of ${threadId}`);
      return { ...timeless(values, Number(runs[place]?.created_at)), place, row };
    });
  }
  return { tables, runIds: runs.map(({ id }) => timelessIds(String(id))), threadId: timelessIds(threadId) };
}

function timeless(row: Values, createdAt: number): Values {
  const entries = Object.entries(row).map(([column, value]): [string, Value] => {
    if (value === null) return [column, null];
    if (IS_TIME.test(column)) return [column, Number(value) - createdAt];
    return [column, typeof value === 'string' ? timelessIds(value) : value];
  });
  return Object.fromEntries(entries);
}

const timelessIds = (text: string) =>
  text.replace(
    IDS,
    (_, prefix: string, rest: string) => `${prefix}_${prefix === 'thread' ? THREAD_STAMP : STAMP}${rest}`,
  );

/** SQL that gives a column of a pattern's row `p` back what is of its time, as slot `s` has it. */
export function inSlot(column: string, rows: PatternRow[]): string {
  const from = `p.${column}`;
  if (IS_TIME.test(column)) return `s.ms + ${from}`;
  const holds = (stamp: string) => rows.some((row) => String(row[column]).includes(stamp));
  const own = holds(STAMP) ? `replace(${from}, '${STAMP}', s.stamp)` : from;
  return holds(THREAD_STAMP) ? `replace(${own}, '${THREAD_STAMP}', s.thread_stamp)` : own;
}
