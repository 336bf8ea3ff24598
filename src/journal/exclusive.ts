/** What SQLite's single writer gives every transaction, for those that need it where transactions run side by side. */
import { PostgresAdapter, sql } from 'kysely';
import type { Trx } from './journal.ts';

/** Whether other transactions run while this one does. */
export function runsBesideOthers(trx: Trx): boolean {
  return trx.getExecutor().adapter instanceof PostgresAdapter;
}

/**
 * Another transaction changed what this one had looked at, before it took the row: the store begins it again. Where transactions
 * run one at a time it cannot happen.
 */
export class TransactionConflict extends Error {}

/**
 * Holds off, until this transaction ends, every other of the organisation that asks for the same: what is then read stays true. Taken
 * before any row that others take as well, so that no two wait for each other.
 */
export async function takeAlone(
  trx: Trx,
  orgId: string,
  what: 'personas' | 'active runs' | 'first key',
): Promise<void> {
  if (!runsBesideOthers(trx)) return;
  await sql`select pg_advisory_xact_lock(hashtextextended(${`holdfast ${what} ${orgId}`}, 0))`.execute(trx);
}
