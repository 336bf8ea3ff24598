import type { Caller, Effect, Idempotency } from '../../runs/types.ts';
import { type Ending, endRun } from '../end-run.ts';
import { putIntent } from '../intents.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { append, lockRun, type RunRecord } from '../run-row.ts';
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

/** Who cancels, as `run.cancel_requested` names it. */
export type Canceller = Pick<Caller, 'org_id' | 'key_id' | 'user_id'>;

/** Requests a cancel of a run that this transaction has locked. */
export async function cancelLocked(trx: Trx, ctx: TransactionContext, run: RunRecord, by: Canceller): Promise<void> {
  if (run.ended || run.status === 'cancelling') return;
  const requested = { type: 'run.cancel_requested', data: { by: by.user_id ?? by.key_id } };
  if (run.started_at === null) {
    const ending: Ending = { as: 'cancelled', reason: 'cancel_requested', unfinished: [] };
    await endRun(trx, ctx, run, ending, [requested]);
    return;
  }
  await append(trx, ctx, run, [requested]);
  await trx
    .updateTable('inputs')
    .set({ state: 'withdrawn', closed_at: ctx.now })
    .where('run_id', '=', run.id)
    .where('state', '=', 'open')
    .execute();
  await putIntent(trx, ctx, run, 'cancel', '');
}
