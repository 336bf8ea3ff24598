import { type LastError, type MessageReason, outcomeOf } from '../views/outcome.ts';
import type { RunStatus } from '../views/run.ts';
import type { StepEnd } from '../views/step.ts';

/** What a run's terminal event means for the run, its open step and its open message. */
export type EndOf = { run: RunStatus; step: StepEnd; message: MessageReason; error: LastError | null };

export function endOf(type: string, data: Record<string, unknown>): EndOf {
  if (type === 'run.completed') return { run: 'completed', step: 'completed', message: 'run_failed', error: null };
  if (type === 'run.cancelled') return { run: 'cancelled', step: 'cancelled', message: 'run_cancelled', error: null };
  const outcome = outcomeOf(data.error as { code: string; message: string });
  switch (outcome.status) {
    case 'expired':
      return { run: 'expired', step: 'expired', message: 'run_expired', error: null };
    case 'incomplete':
      return { run: 'incomplete', step: 'completed', message: 'max_tokens', error: null };
    case 'failed':
      return { run: 'failed', step: 'failed', message: 'run_failed', error: outcome.last_error };
  }
}
