import type { ExpiryOutcome, RunRef, Stop } from '../../runs/outcomes.ts';
import { endRun } from '../end-run.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { expiryReached } from '../run-limits.ts';
import { lockRun, type NewEvent, type RunRecord } from '../run-row.ts';
import { endedAs, stopOf } from './begin-turn.ts';
import { callsAtWork } from './tool-call.ts';

export type FinishRun = RunRef & {
  as: { status: 'cancelled'; reason: string } | { status: 'failed'; code: string; message: string };
};

/**
 * Ends a run from outside its steps: after a cancel, or because its workflow is gone or broken. Once a cancel was requested
 * the only end is `run.cancelled`. A run that has ended stays as it is; its end is told.
 */
export async function finishRun(trx: Trx, args: FinishRun, ctx: TransactionContext): Promise<Stop> {
  const run = await lockRun(trx, args.org_id, args.run_id);
  if (run.epoch !== args.epoch) return { outcome: 'superseded' };
  if (run.ended) return endedAs(run);
  if (args.as.status === 'failed' && run.status !== 'cancelling') {
    await endRun(trx, ctx, run, { as: 'failed', code: args.as.code, message: args.as.message });
    return endedAs(run);
  }
  const { reason } = args.as.status === 'cancelled' ? args.as : { reason: 'cancel_requested' };
  const unfinished = await callsAtWork(trx, run);
  const before = cancelRequested(run);
  await endRun(trx, ctx, run, { as: 'cancelled', reason, unfinished }, before);
  return endedAs(run);
}

/** The `run.cancel_requested` that a cancel from the Temporal Web UI or CLI did not write, for an end to follow it. */
function cancelRequested(run: RunRecord): NewEvent[] {
  if (run.status === 'cancelling') return [];
  return [{ type: 'run.cancel_requested', data: { by: 'temporal' } }];
}

/**
 * Decides between answer and expiry, once, in the journal: the timer that calls this only asks. An expired request ends the
 * run with `input.expired`, or with `run.expired` where the run's own time is over.
 */
export async function expireInput(
  trx: Trx,
  args: RunRef & { request_id: string },
  ctx: TransactionContext,
): Promise<ExpiryOutcome> {
  const run = await lockRun(trx, args.org_id, args.run_id);
  const stop = stopOf(run, args.epoch);
  if (stop) return stop;
  const request = await trx
    .selectFrom('inputs')
    .select(['state', 'expires_at', 'kind'])
    .where('id', '=', args.request_id)
    .where('run_id', '=', run.id)
    .executeTakeFirst();
  if (!request) return { outcome: 'behind' };
  if (request.state !== 'open') return { outcome: 'answered' };
  if (ctx.now < request.expires_at) return { outcome: 'early', expires_at: request.expires_at };
  await trx
    .updateTable('inputs')
    .set({ state: 'expired', closed_at: ctx.now })
    .where('id', '=', args.request_id)
    .where('org_id', '=', run.org_id)
    .execute();
  const message = `The request ${args.request_id} (${request.kind}) was not answered in time.`;
  const why = expiryReached(run, ctx.now) ?? { code: 'input.expired', message };
  await endRun(trx, ctx, run, { as: 'failed', ...why });
  return endedAs(run);
}
