/** One transaction on PostgreSQL, from its begin to the moment in which it is known whether it was committed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { TransactionContext } from '../journal.ts';
import {
  runTransaction,
  TAKES_RUN_FIRST,
  type TransactionArgs,
  type TransactionName,
  type TransactionResult,
} from '../transactions/index.ts';
import type { Sessions } from './connections.ts';
import { isConflict, isRefusal, outcomeUnknown, unavailable } from './errors.ts';
import { kyselyOnSession } from './kysely-on-session.ts';
import type { Session } from './session.ts';

/** A transaction that met a deadlock or a conflict is begun again, this often in all. */
export const MAX_ATTEMPTS = 10;
/** The longest pause before it is, by chance, so that two do not meet again; it grows with each. */
const CONFLICT_PAUSE_MS = 20;
/**
 * How long the database is asked what became of a commit whose answer was lost: longer than it keeps a transaction whose client is
 * gone, which may wait for a row first (`LOCK_TIMEOUT_MS`).
 */
export const OUTCOME_WITHIN_MS = 12_000;
const OUTCOME_PAUSE_MS = 100;

/** What is told of a transaction: before its commit is sent, and once it is known whether it happened. */
export type Telling = (ctx: TransactionContext) => (committed: boolean) => void;

/** A transaction's work, done and not committed. */
export type Performed<T> = { value: T; xid: string; ctx: TransactionContext };

/**
 * Runs one named transaction. Errors: its own; `journal.unavailable`: nothing was written; `journal.outcome_unknown`: the connection
 * was lost during the commit, and the database could not be asked for `OUTCOME_WITHIN_MS`.
 */
export function transact<N extends TransactionName>(
  pool: Sessions,
  name: N,
  args: TransactionArgs<N>,
  telling: Telling,
): Promise<TransactionResult<N>> {
  return throughCommit(pool, telling, async (session) => {
    const begun = TAKES_RUN_FIRST.has(name) ? beginAlong(session) : await begin(session);
    const ctx: TransactionContext = {
      get now() {
        return begun.now;
      },
      appended: [],
      intents: [],
    };
    const value = await runTransaction(name, kyselyOnSession(session), args, ctx);
    return { value, xid: begun.xid, ctx };
  });
}

/** Has a transaction begun and its work done by `perform`, and commits it. Errors: as `transact`. */
export async function throughCommit<T>(
  pool: Sessions,
  telling: Telling,
  perform: (session: Session) => Promise<Performed<T>>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce(pool, telling, perform);
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (attempt === MAX_ATTEMPTS) throw unavailable(error);
      await delay(Math.random() * CONFLICT_PAUSE_MS * attempt);
    }
  }
}

async function attemptOnce<T>(
  pool: Sessions,
  telling: Telling,
  perform: (session: Session) => Promise<Performed<T>>,
): Promise<T> {
  const session = await pool.take();
  let recovery: string;
  let done: { value: T; xid: string; tell: ReturnType<Telling> };
  let failure: unknown;
  try {
    recovery = await session.recovery();
    const { value, xid, ctx } = await orRollBack(session, perform);
    done = { value, xid, tell: telling(ctx) };
    failure = await commit(session);
  } finally {
    // Before anything else is asked: when the server goes down, every connection may be lost at its commit.
    session.release();
  }
  if (failure === undefined) {
    done.tell(true);
    return done.value;
  }
  try {
    if (isRefusal(failure) || !(await wasCommitted(pool, { xid: done.xid, recovery }, failure))) throw failure;
  } catch (error) {
    done.tell(false);
    throw error;
  }
  done.tell(true);
  return done.value;
}

/** Does the transaction's work, without its commit; refused, it is rolled back. */
async function orRollBack<T>(
  session: Session,
  perform: (session: Session) => Promise<Performed<T>>,
): Promise<Performed<T>> {
  try {
    return await perform(session);
  } catch (error) {
    // A connection that is broken, or breaks at this, is ended, and the server does it. A write that was refused is no news here.
    if (!session.isBroken) await session.query('rollback').catch(() => undefined);
    throw error;
  }
}

type Begun = { xid: string; now: number };

/**
 * Begins, and gives the transaction's id, by which the database knows later what became of it, and the database's time: one clock for
 * all processes.
 */
export async function begin(session: Session): Promise<Begun> {
  return begunOf(await session.query(BEGIN));
}

/**
 * Begins in one flight with the transaction's first statement, and what is given is known from that one's answer on. A transaction
 * that did not begin fails that statement: it, and what is asked with it, must be such that do nothing by themselves.
 */
function beginAlong(session: Session): Begun {
  let begun: Begun | undefined;
  session.along(BEGIN, [], (answer) => {
    begun = begunOf(answer);
  });
  const known = (): Begun => {
    if (!begun) throw new Error('a transaction asked for its time before it had taken its run');
    return begun;
  };
  return {
    get xid() {
      return known().xid;
    },
    get now() {
      return known().now;
    },
  };
}

function begunOf(answer: unknown): Begun {
  return (answer as { rows: Begun[] }[])[1]?.rows[0] as Begun;
}

/** Two statements, one round trip. */
const BEGIN = `begin isolation level read committed;
select pg_current_xact_id()::text as xid, (extract(epoch from clock_timestamp()) * 1000)::bigint as now`;

/** Commits; gives what went wrong. */
async function commit(session: Session): Promise<unknown> {
  try {
    const { command } = await session.query('commit');
    return command === 'COMMIT' ? undefined : new Error('a statement of the transaction had failed');
  } catch (error) {
    return error;
  }
}

/** A transaction's id, and the recovery that the database had behind it: what crashes before it is flushed has its id given again. */
type Sent = { xid: string; recovery: string };

/**
 * Asks what became of a transaction whose commit was not answered. Aborted is what was lost as well as what was given its id and came to
 * nothing; committed is the transaction's own only where the database has not crashed since. Errors: `journal.outcome_unknown`.
 */
async function wasCommitted(pool: Sessions, sent: Sent, failure: unknown): Promise<boolean> {
  const until = Date.now() + OUTCOME_WITHIN_MS;
  while (Date.now() < until) {
    const known = await statusOf(pool, sent.xid);
    if (known?.status === 'aborted') return false;
    if (known?.status === 'committed') {
      if (known.recovery === sent.recovery) return true;
      throw outcomeUnknown(failure);
    }
    await delay(OUTCOME_PAUSE_MS);
  }
  throw outcomeUnknown(failure);
}

/** Null: the database knows no more, or cannot be asked; the loss itself is what the caller is told. */
async function statusOf(pool: Sessions, xid: string): Promise<{ status: string | null; recovery: string } | null> {
  let session: Session | undefined;
  try {
    session = await pool.take();
    const sql = 'select pg_xact_status($1::text::xid8) as status';
    const { rows } = await session.query<{ status: string | null }>(sql, [xid]);
    // Of the session that was asked: no session outlives a crash.
    return { status: rows[0]?.status ?? null, recovery: await session.recovery() };
  } catch {
    return null;
  } finally {
    session?.release();
  }
}
