/**
 * `counted-transactions.ts` on PostgreSQL: transactions run side by side, each in a session of its own, and each is a commit; appends share
 * one.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { PostgresQueryResult } from 'kysely';
import type { TransactionContext, Trx } from '../../../src/journal/journal.ts';
import { APPEND_HELD } from '../../../src/journal/postgres/append-together.ts';
import { Session } from '../../../src/journal/postgres/session.ts';
import {
  runTransaction as run,
  type TransactionArgs,
  type TransactionName,
  type TransactionResult,
} from '../../../src/journal/transactions/index.ts';
import { committing, nameOf } from './planned.ts';

export { TAKES_RUN_FIRST } from '../../../src/journal/transactions/index.ts';

/** The session that a transaction's statements go to, which its commit goes to as well. */
type Used = { session?: Session };

const using = new AsyncLocalStorage<Used>();
/** The transactions of the run that a session is about to commit: one, or the appends of a batch. */
const uncommitted = new WeakMap<Session, string[]>();

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
  if (named && used.session) uncommitted.set(used.session, [named]);
  return result;
}

/** The appends that a batch was asked for, from the statement's one parameter. */
type AppendHeld = { i: number; run_id: string; step: string }[];

const { query } = Session.prototype;
Session.prototype.query = async function <R>(
  this: Session,
  sql: string,
  parameters?: readonly unknown[],
  name?: string,
) {
  const used = using.getStore();
  if (used) used.session = this;
  const named = sql === 'commit' ? uncommitted.get(this) : undefined;
  if (sql === 'commit' || sql === 'rollback') uncommitted.delete(this);
  const committed = committing(named ?? []);
  const answer = (await query.call(this, sql, parameters, name)) as PostgresQueryResult<R>;
  committed();
  if (sql === APPEND_HELD) {
    const appends = JSON.parse(String(parameters?.[0])) as AppendHeld;
    const done = new Set((answer.rows as { i: number }[]).map(({ i }) => i));
    const names = appends.filter(({ i }) => done.has(i)).map((lease) => nameOf('appendDeltas', { lease }, undefined));
    uncommitted.set(
      this,
      names.filter((it) => it !== undefined),
    );
  }
  return answer;
};
