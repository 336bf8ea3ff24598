/**
 * The journal's transactions as the writer's thread sees them in a server that is to be killed: those of the run last created
 * are named and written down as they are committed, and at the planned one the process kills itself. Transactions that are no run's (the
 * relay's, those of keys and personas) pass uncounted.
 */
import { DatabaseSync } from 'node:sqlite';
import type { TransactionContext, Trx } from '../../../src/journal/journal.ts';
import { appendDeltasTo as prepare } from '../../../src/journal/sqlite/append-deltas.ts';
import {
  runTransaction as run,
  type TransactionArgs,
  type TransactionName,
  type TransactionResult,
} from '../../../src/journal/transactions/index.ts';
import { committing, nameOf } from './planned.ts';

/** The transactions of the run in the commit that is being made. */
let batch: string[] = [];

/** `runTransaction`, and what it did is named. A refused transaction writes nothing and has no name. */
export async function runTransaction<N extends TransactionName>(
  name: N,
  trx: Trx,
  args: TransactionArgs<N>,
  ctx: TransactionContext,
): Promise<TransactionResult<N>> {
  const result = await run(name, trx, args, ctx);
  const named = nameOf(name, args, result);
  if (named) batch.push(named);
  return result;
}

/** `appendDeltasTo`, the one transaction that SQLite's writer makes past `runTransaction`, in the same way. */
export function appendDeltasTo(sqlite: DatabaseSync): ReturnType<typeof prepare> {
  const append = prepare(sqlite);
  return (args, now) => {
    const appended = append(args, now);
    const named = nameOf('appendDeltas', args, undefined);
    if (named) batch.push(named);
    return appended;
  };
}

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
  const transactions = sql === 'COMMIT' ? batch : [];
  if (sql === 'COMMIT' || sql === 'BEGIN IMMEDIATE') batch = [];
  const committed = committing(transactions);
  exec.call(this, sql);
  committed();
};
