import type { Caller, Effect, Idempotency } from '../../runs/types.ts';
import { type Ending, endRun } from '../end-run.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { append, lockRun } from '../run-row.ts';
import { putIntent } from './engine.ts';
import { once } from './idempotency.ts';

export type CancelEffect = { engine: boolean };

/**
 * Requests a cancel. A run that has not begun is cancelled here and now; one that has ended stays as it is. `engine` says that
 * Temporal must be asked. Errors: `runs.not_found`.
 */
export function requestCancel(
  trx: Trx,
  args: { caller: Caller; once?: Idempotency; run_id: string },
  ctx: TransactionContext,
): Promise<Effect<CancelEffect>> {
  return once(trx, ctx, args.caller.org_id, args.once, async () => {
    const run = await lockRun(trx, args.caller.org_id, args.run_id);
    if (run.ended) return { engine: false };
    if (run.status === 'cancelling') return { engine: true };
    const by = args.caller.user_id ?? args.caller.key_id;
    const requested = { type: 'run.cancel_requested', data: { by } };
    if (run.started_at === null) {
      const ending: Ending = { as: 'cancelled', reason: 'cancel_requested', unfinished: [] };
      await endRun(trx, ctx, run, ending, [requested]);
      return { engine: false };
    }
    await append(trx, ctx, run, [requested]);
    await trx
      .updateTable('inputs')
      .set({ state: 'withdrawn', closed_at: ctx.now })
      .where('run_id', '=', run.id)
      .where('state', '=', 'open')
      .execute();
    await putIntent(trx, ctx, run, 'cancel', '');
    return { engine: true };
  });
}
