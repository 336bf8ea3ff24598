import type { Usage } from '../../models/types.ts';
import type { Stop } from '../../runs/outcomes.ts';
import { endRun } from '../end-run.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { addUsage, append, type NewEvent } from '../run-row.ts';
import { endedAs, type Lease } from './begin-turn.ts';
import { heldLease } from './held-lease.ts';

/** Why a lease was given back without an outcome; what `message.reset` says once the step is tried again. */
export type ReleaseReason = 'provider_error' | 'cancelled' | 'deadline' | 'worker_shutdown' | 'worker_lost';

type FailAttempt = {
  release: ReleaseReason;
  lease: Lease;
  /** What was said and not yet appended. */
  events: NewEvent[];
  usage: Usage;
  cost_usd: number | null;
  /** What went wrong at the provider; absent when the attempt was given up for another reason (cancel, deadline, shutdown). */
  error?: { code: string; message: string; retryable: boolean };
  /** Provider errors this turn may have on its route before the fallback takes over, or the run fails. */
  retries: number;
  fallback: { id: string; model: string; fallback: string | null } | null;
};

/**
 * Gives a lease back without an outcome: its tokens count, its text is void once the turn is tried again. A provider error is
 * counted against the route; one that cannot be retried, or one too many without a fallback, ends the run.
 * Errors: `steps.superseded`.
 */
export async function failAttempt(
  trx: Trx,
  args: FailAttempt,
  ctx: TransactionContext,
): Promise<Stop | { outcome: 'retry'; provider_errors: number; fell_back: boolean }> {
  const { run, step } = await heldLease(trx, args.lease);
  const spent = addUsage(run, args.usage, args.cost_usd);
  const errors = step.provider_errors + (args.error ? 1 : 0);
  const exhausted = args.error?.retryable && errors > args.retries;
  const fallback = exhausted ? args.fallback : null;
  await trx
    .updateTable('steps')
    .set({ state: 'released', release_reason: args.release, provider_errors: fallback ? 0 : errors })
    .where('run_id', '=', run.id)
    .where('step', '=', args.lease.step)
    .execute();
  await append(trx, ctx, run, args.events, {
    ...spent,
    ...(fallback ? { route_id: fallback.id, model: fallback.model, fallback_route_id: fallback.fallback } : {}),
  });
  if (run.status === 'cancelling') return { outcome: 'cancelled' };
  if (args.error && !fallback && (exhausted || !args.error.retryable)) {
    await endRun(trx, ctx, run, { as: 'failed', code: args.error.code, message: args.error.message });
    return endedAs(run);
  }
  return { outcome: 'retry', provider_errors: errors, fell_back: fallback !== null };
}
