import { sql } from 'kysely';
import { HoldfastError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import type { Caller, Created, Effect, Idempotency, OnBusy, RunAlias } from '../../runs/types.ts';
import { cancelLocked } from '../cancel.ts';
import { endRun } from '../end-run.ts';
import { runsBesideOthers, TransactionConflict, takeAlone } from '../exclusive.ts';
import { insertRun, type PreparedRun } from '../insert-run.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { expiryReached } from '../run-limits.ts';
import { lockRun, type RunRecord } from '../run-row.ts';
import { nameRun } from './aliases.ts';
import { once } from './idempotency.ts';
import { insertThread, lockThread, type WrittenThread } from './threads.ts';

type CreateRun = PreparedRun & {
  caller: Caller;
  once?: Idempotency;
  /** null: on a thread of its own. */
  thread_id: string | null;
  /** What that thread begins with. */
  thread?: WrittenThread;
  /** What to do when the thread has an active run. */
  on_busy: OnBusy;
  /** Runs of the organisation that may be active at a time; null: any number. */
  active_limit: number | null;
  alias?: RunAlias;
};

/** Seconds after which a client may try again when its organisation has too many active runs. */
const ACTIVE_LIMIT_RETRY_S = 5;
/** Runs that interrupt go before those that were queued. */
const INTERRUPT_RANK = 1;

/**
 * Accepts a run: its row, its thread's lock, its message and the intent to start it, in one commit. On a busy thread it is
 * refused, put in the thread's queue, or put at its head while the active run is cancelled, as `on_busy` says. Repeated under
 * the name that its caller chose, it is the run that it was.
 * Errors: `threads.not_found`, `threads.busy`, `limits.active_runs`, `idempotency.mismatch`, `runs.name_taken`.
 */
export async function createRun(trx: Trx, args: CreateRun, ctx: TransactionContext): Promise<Effect<Created>> {
  const { caller } = args;
  let earlier: Created | undefined;
  const effect = await once(trx, ctx, caller.org_id, args.once, async () => {
    const id = newId('run');
    earlier = args.alias && (await nameRun(trx, ctx, caller.org_id, { id, thread_id: args.thread_id }, args.alias));
    if (earlier) return earlier;
    const ownThread = args.thread_id === null;
    if (!ownThread && args.active_limit !== null) await takeAlone(trx, caller.org_id, 'active runs');
    await checkActiveLimit(trx, caller.org_id, args.active_limit);
    const threadId =
      args.thread_id ?? (await insertThread(trx, ctx, caller.org_id, { ...args.thread, active_run_id: id }));
    const ending = ownThread ? undefined : await lockToEnd(trx, ctx, caller.org_id, threadId, args.on_busy);
    let active = ownThread ? undefined : await takeThread(trx, ctx, caller.org_id, threadId, id);
    let holder = active === ending?.id ? ending : undefined;
    if (holder && (await endExpired(trx, ctx, holder))) {
      active = await takeThread(trx, ctx, caller.org_id, threadId, id);
      // The next of the queue, which has just been given the thread here.
      holder = active ? await lockRun(trx, caller.org_id, active) : undefined;
    }
    if (active && args.on_busy === 'reject') throw busy(threadId, active);
    const queued = active ? { queued: { rank: args.on_busy === 'interrupt' ? INTERRUPT_RANK : 0 } } : {};
    await insertRun(trx, ctx, caller, args, { id, thread_id: threadId, ...queued });
    if (ownThread) await checkActiveLimitAlone(trx, caller.org_id, args.active_limit);
    if (active && args.on_busy === 'interrupt') {
      if (!holder) throw new TransactionConflict(`run ${active} has come to have thread ${threadId}`);
      await cancelLocked(trx, ctx, holder, caller);
    }
    return { run_id: id, thread_id: threadId, trace_id: caller.trace_id };
  });
  return { ...effect, replayed: effect.replayed || earlier !== undefined };
}

/**
 * The active run of a thread, where this create is to end it: it is interrupted, or its own time is over. Its row is taken before
 * the thread's, as its own end does, so that the two do not wait for each other; while it is taken the thread stays its own.
 */
async function lockToEnd(
  trx: Trx,
  ctx: TransactionContext,
  orgId: string,
  threadId: string,
  onBusy: OnBusy,
): Promise<RunRecord | undefined> {
  const active = await trx
    .selectFrom('threads')
    .innerJoin('runs', 'runs.id', 'threads.active_run_id')
    .selectAll('runs')
    .where('threads.id', '=', threadId)
    .where('threads.org_id', '=', orgId)
    .where('runs.org_id', '=', orgId)
    .executeTakeFirst();
  if (!active || (onBusy !== 'interrupt' && !expiryReached(active, ctx.now))) return undefined;
  const run = await trx
    .updateTable('runs')
    .set((eb) => ({ last_seq: eb.ref('last_seq') }))
    .where('id', '=', active.id)
    .where('org_id', '=', orgId)
    .where('ended', '=', 0)
    .returningAll()
    .executeTakeFirst();
  // Its end came first: the thread is another's by now, or nobody's, or deleted.
  if (!run) throw new TransactionConflict(`run ${active.id} has let go of thread ${threadId}`);
  return run;
}

/** Ends a locked run whose own time is over: it holds no thread, also while no worker is there to end it. False where it is not. */
async function endExpired(trx: Trx, ctx: TransactionContext, run: RunRecord): Promise<boolean> {
  const limit = expiryReached(run, ctx.now);
  if (run.ended || run.status === 'cancelling' || !limit) return false;
  await endRun(trx, ctx, run, { as: 'failed', ...limit });
  return true;
}

/** Takes the thread for a run; gives the active run that has it, if so. Errors: `threads.not_found`. */
async function takeThread(
  trx: Trx,
  ctx: TransactionContext,
  orgId: string,
  threadId: string,
  runId: string,
): Promise<string | undefined> {
  const active = await lockThread(trx, orgId, threadId);
  if (active) return active;
  await trx
    .updateTable('threads')
    .set({ active_run_id: runId, updated_at: ctx.now })
    .where('id', '=', threadId)
    .where('org_id', '=', orgId)
    .execute();
  return undefined;
}

export function busy(threadId: string, runId: string): HoldfastError {
  return new HoldfastError('threads.busy', `Thread ${threadId} already has an active run, ${runId}.`, {
    details: { active_run_id: runId },
  });
}

/** Runs of an organisation that have not ended; one that is to be held to a limit asks with `takeAlone` before. */
export async function activeRuns(trx: Trx, orgId: string): Promise<number> {
  const row = await trx
    .selectFrom('runs')
    .select((eb) => eb.fn.countAll<number>().as('active'))
    .where('org_id', '=', orgId)
    // Said in the statement itself, so that SQLite can use the index of active runs.
    .where('ended', '=', sql.lit(0))
    .executeTakeFirstOrThrow();
  return Number(row.active);
}

async function checkActiveLimit(trx: Trx, orgId: string, limit: number | null): Promise<void> {
  if (limit !== null && (await activeRuns(trx, orgId)) >= limit) throw overLimit(limit);
}

/**
 * The same for a run that has been inserted, on a thread of its own: no row of another's is held, so it need not be asked before, and
 * creates hold each other up for no longer than this look and the commit. Where transactions run one at a time the first look was enough.
 */
async function checkActiveLimitAlone(trx: Trx, orgId: string, limit: number | null): Promise<void> {
  if (limit === null || !runsBesideOthers(trx)) return;
  await takeAlone(trx, orgId, 'active runs');
  if ((await activeRuns(trx, orgId)) > limit) throw overLimit(limit);
}

function overLimit(limit: number): HoldfastError {
  return new HoldfastError('limits.active_runs', `The organisation already has ${limit} active runs, its limit.`, {
    retryAfterS: ACTIVE_LIMIT_RETRY_S,
  });
}
