import type { RunRef } from '../../runs/outcomes.ts';
import type { Effect, Idempotency } from '../../runs/types.ts';
import { type Canceller, cancelChildren as cancelActiveChildren, cancelLocked } from '../cancel.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { lockRun } from '../run-row.ts';
import { once } from './idempotency.ts';

/**
 * Requests a cancel. A run that has not begun is cancelled here and now; one that has ended stays as it is; for any other there
 * is an intent until it has ended. Errors: `runs.not_found`.
 */
export function requestCancel(
  trx: Trx,
  args: { caller: Canceller; once?: Idempotency; run_id: string },
  ctx: TransactionContext,
): Promise<Effect<{ ok: true }>> {
  return once(trx, ctx, args.caller.org_id, args.once, async () => {
    await cancelLocked(trx, ctx, await lockRun(trx, args.caller.org_id, args.run_id), args.caller);
    return { ok: true };
  });
}

/**
 * Requests a cancel of every active child of a run: Temporal was told to cancel the run, and the journal was not. An older copy of
 * the run's workflow has no say.
 */
export async function cancelChildren(trx: Trx, args: RunRef, ctx: TransactionContext): Promise<void> {
  const run = await lockRun(trx, args.org_id, args.run_id);
  if (run.epoch === args.epoch && !run.ended) await cancelActiveChildren(trx, ctx, run);
}
