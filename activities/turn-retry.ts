/** When an attempt at a turn is given up, and when Temporal tries again. */
import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import type { ReleaseReason } from '../src/journal/transactions/fail-attempt.ts';
import { ModelError } from '../src/models/types.ts';
import { StepStopped } from './step-signal.ts';

/** First wait after a provider's error when it did not say how long; it doubles with each, up to the longest. */
const PROVIDER_RETRY_MS = 500;
const PROVIDER_RETRY_MAX_MS = 30_000;
/** A retry at the deadline comes this much after it, so that it finds the budget spent. */
const DEADLINE_MARGIN_MS = 10;
/** The longest a provider's Retry-After is obeyed. */
const RETRY_AFTER_MAX_MS = 600_000;

/**
 * Why an attempt gives its lease back; undefined when it cannot: the lease was taken from it (another attempt holds the step,
 * or the run has ended), or the journal is gone. Then Temporal tries again, and the next begin is told the truth.
 */
export function releaseReason(reason: unknown): ReleaseReason | undefined {
  if (reason instanceof ModelError) return 'provider_error';
  if (reason instanceof CancelledFailure) {
    if (reason.message === 'CANCELLED') return 'cancelled';
    return reason.message === 'WORKER_SHUTDOWN' ? 'worker_shutdown' : 'worker_lost';
  }
  if (!(reason instanceof StepStopped) || reason.reason === 'lease_lost') return undefined;
  return reason.reason === 'aborted' ? 'cancelled' : reason.reason;
}

/** Tells Temporal to try the turn again, when the provider said or after a growing pause. The message names no content. */
export function retry(
  release: ReleaseReason,
  reason: unknown,
  failed: { provider_errors: number; fell_back: boolean },
  deadlineLeftMs: number,
): ApplicationFailure {
  if (!(reason instanceof ModelError)) {
    return ApplicationFailure.create({ type: `step.${release}`, message: `Given up: ${release}.`, nextRetryDelay: 1 });
  }
  const errors = failed.provider_errors;
  const growing = Math.min(PROVIDER_RETRY_MS * 2 ** Math.max(0, errors - 1), PROVIDER_RETRY_MAX_MS);
  const wait = failed.fell_back ? 1 : Math.min(reason.retryAfterMs ?? growing, RETRY_AFTER_MAX_MS);
  return ApplicationFailure.create({
    type: reason.code,
    message: `Provider error ${errors}${reason.status ? ` (HTTP ${reason.status})` : ''}.`,
    nextRetryDelay: Math.max(1, Math.min(wait, deadlineLeftMs + DEADLINE_MARGIN_MS)),
  });
}
