/** Two transactions at once on PostgreSQL, in the order that a test says: one is held open while the other waits for it. */
import { connectionConfig, Sessions, writeConfig } from '../../src/journal/postgres/connections.ts';
import { kyselyOnSession } from '../../src/journal/postgres/kysely-on-session.ts';
import {
  runTransaction,
  type TransactionArgs,
  type TransactionName,
  type TransactionResult,
} from '../../src/journal/transactions/index.ts';
import { onDatabase } from './postgres-database.ts';
import { until } from './until.ts';

export type HeldTransaction = {
  /** Does a named transaction's work without its commit. */
  run<N extends TransactionName>(name: N, args: TransactionArgs<N>): Promise<TransactionResult<N>>;
  query(sql: string): Promise<unknown>;
  commit(): Promise<void>;
  rollBack(): Promise<void>;
};

/** Begins a transaction on a connection of its own, as another process would. */
export async function holdTransaction(url: string): Promise<HeldTransaction> {
  const patient = { idle_in_transaction_session_timeout: 0, lock_timeout: 0 };
  const connection = new Sessions(writeConfig({ ...connectionConfig(url), ...patient }), 1, () => undefined);
  const session = await connection.take();
  await session.query('begin');
  const end = async (how: 'commit' | 'rollback') => {
    await session.query(how);
    session.release();
    await connection.end();
  };
  return {
    async run<N extends TransactionName>(name: N, args: TransactionArgs<N>): Promise<TransactionResult<N>> {
      const ctx = { now: Date.now(), appended: [], intents: [] };
      const result = await runTransaction(name, kyselyOnSession(session), args, ctx);
      // Its last writes would go with the commit.
      await session.query('select');
      return result;
    },
    query: (sql) => session.query(sql),
    commit: () => end('commit'),
    rollBack: () => end('rollback'),
  };
}

/** Waits until so many connections to the database wait for a lock. */
export async function untilWaiting(url: string, count = 1): Promise<void> {
  const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  await until(async () => (await onDatabase(url, waiting)).length >= count, `${count} transactions wait for a lock`);
}
