import {
  CUT,
  type IncompleteReason,
  type LastError,
  MESSAGE_REASON,
  type MessageReason,
  outcomeOf,
  wasCut,
} from '../views/outcome.ts';
import type { RunStatus } from '../views/run.ts';
import type { StepEnd } from '../views/step.ts';

/** What a run's terminal event means for the run, its open step and its open message. */
export type EndOf = {
  run: RunStatus;
  step: StepEnd;
  message: MessageReason;
  error: LastError | null;
  incomplete: IncompleteReason | null;
};

const NOTHING = { error: null, incomplete: null };

/** `finish`: why the run's model stopped last. */
export function endOf(type: string, data: Record<string, unknown>, finish: string | null): EndOf {
  if (type === 'run.cancelled') return { run: 'cancelled', step: 'cancelled', message: 'run_cancelled', ...NOTHING };
  const completed = type === 'run.completed';
  if (completed && !wasCut(finish)) return { run: 'completed', step: 'completed', message: 'run_failed', ...NOTHING };
  const outcome = completed ? CUT : outcomeOf(data.error as { code: string; message: string });
  const message = MESSAGE_REASON[outcome.status];
  switch (outcome.status) {
    case 'expired':
      return { run: 'expired', step: 'expired', message, ...NOTHING };
    case 'incomplete':
      return { run: 'incomplete', step: 'completed', message, error: null, incomplete: outcome.reason };
    case 'failed':
      return { run: 'failed', step: 'failed', message, error: outcome.last_error, incomplete: null };
  }
}
