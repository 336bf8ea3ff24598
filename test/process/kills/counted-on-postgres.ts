/** `counted-transactions.ts` on PostgreSQL: transactions run side by side, each in a session of its own, and each is a commit. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { PostgresQueryResult } from 'kysely';
import type { TransactionContext, Trx } from '../../../src/journal/journal.ts';
import { Session } from '../../../src/journal/postgres/connections.ts';
import {
  runTransaction as run,
  type TransactionArgs,
  type TransactionName,
  type TransactionResult,
} from '../../../src/journal/transactions/index.ts';
import { committing, nameOf } from './planned.ts';

/** The session that a transaction's statements go to, which its commit goes to as well. */
type Used = { session?: Session };

const using = new AsyncLocalStorage<Used>();
/** The transaction of the run that a session is about to commit. */
const uncommitted = new WeakMap<Session, string>();

/** `runTransaction`, and what it did is named. A refused transaction writes nothing and has no name. */
export async function runTransaction<N extends TransactionName>(
  name: N,
  trx: Trx,
  args: TransactionArgs<N>,
  ctx: TransactionContext,
): Promise<TransactionResult<N>> {
  const used: Used = {};
  const result = await using.run(used, () => run(name, trx, args, ctx));
  const named = nameOf(name, args, result);
  if (named && used.session) uncommitted.set(used.session, named);
  return result;
}

const { query } = Session.prototype;
Session.prototype.query = async function <R>(this: Session, sql: string, parameters?: readonly unknown[]) {
  const used = using.getStore();
  if (used) used.session = this;
  const named = sql === 'commit' ? uncommitted.get(this) : undefined;
  uncommitted.delete(this);
  const committed = committing(named === undefined ? [] : [named]);
  const answer = (await query.call(this, sql, parameters)) as PostgresQueryResult<R>;
  committed();
  return answer;
};
