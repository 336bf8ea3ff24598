/**
 * `appendDeltas` in SQLite's own terms: the one transaction that is made thousands of times a second. What a query builder spends on its
 * statements is more than they cost.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Appended } from '../journal.ts';
import { jsonOf } from '../run-row.ts';
import { superseded } from '../transactions/append-deltas.ts';
import type { TransactionArgs } from '../transactions/index.ts';

/**
 * Prepares the statements. What it gives must be called within a transaction, and needs no savepoint in it: with one writer, a lease that is
 * looked at before anything is written cannot be lost in between, so what is refused has written nothing. Errors: `steps.superseded`.
 */
export function appendDeltasTo(sqlite: DatabaseSync): (args: TransactionArgs<'appendDeltas'>, now: number) => Appended {
  const find = sqlite.prepare(`
    select runs.last_seq, runs.last_event_at from steps join runs on runs.id = steps.run_id
    where steps.run_id = ? and steps.step = ? and steps.state = 'leased' and steps.token = ? and runs.org_id = ? and runs.ended = 0`);
  const insert = sqlite.prepare('insert into events (run_id, seq, type, data, created_at) values (?, ?, ?, ?, ?)');
  const count = sqlite.prepare('update runs set last_seq = ?, last_event_at = ? where id = ?');
  return ({ lease, events }, now) => {
    const { run_id, org_id, step, token } = lease;
    const run = find.get(run_id, step, token, org_id) as { last_seq: number; last_event_at: number } | undefined;
    if (!run) throw superseded(lease);
    // As everywhere: what comes later is not told as earlier.
    const created_at = Math.max(now, run.last_event_at);
    const rows = events.map((event, i) => {
      const row = { run_id, seq: run.last_seq + 1 + i, type: event.type, data: jsonOf(event), created_at };
      insert.run(run_id, row.seq, row.type, row.data, created_at);
      return row;
    });
    const last_seq = run.last_seq + rows.length;
    count.run(last_seq, created_at, run_id);
    return { run_id, last_seq, events: rows };
  };
}
