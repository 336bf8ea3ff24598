/** When a step must stop: Temporal's cancel, a direct abort of its run, its deadline, the loss of its lease, its worker's end. */
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import type { Journal } from '../src/journal/journal.ts';

/**
 * Twice in the heartbeat timeout of 5 s; a cancel is noticed with it where the direct abort did not come. Each is a write of Temporal's: a
 * hundred streams took 0.40 cores of its server at one a second, and take 0.32.
 */
const HEARTBEAT_EVERY_MS = 2_000;

export class StepStopped extends Error {
  readonly reason: 'aborted' | 'deadline' | 'lease_lost' | 'worker_shutdown';

  constructor(reason: StepStopped['reason']) {
    super(`step stopped: ${reason}`);
    this.name = 'StepStopped';
    this.reason = reason;
  }
}

export type StepSignal = {
  signal: AbortSignal;
  /** Stops the step from within. */
  stop(reason: StepStopped['reason']): void;
  /** Stops the step when `ms` have passed. */
  deadlineIn(ms: number): void;
  /** Stops the step with the signal, which is that of its worker's end. */
  handOverWith(handover: AbortSignal): void;
  /** Milliseconds to the deadline; infinite without one. */
  deadlineLeft(): number;
  done(): void;
};

/**
 * The signal under which a step works; it heartbeats until `done`. A direct abort stops it with `StepStopped`, Temporal's
 * cancel with Temporal's own failure, so that the two can be told apart.
 */
export function openStepSignal(journal: Journal, runId: string): StepSignal {
  const own = new AbortController();
  const stop = (reason: StepStopped['reason']) => own.abort(new StepStopped(reason));
  // A local activity's sign of life is its workflow task's.
  const beat = activityInfo().isLocal ? undefined : setInterval(() => heartbeat(), HEARTBEAT_EVERY_MS);
  const unsubscribe = journal.onAbort((aborted) => {
    if (aborted === runId) stop('aborted');
  });
  let deadlineAt = Number.POSITIVE_INFINITY;
  let deadline: NodeJS.Timeout | undefined;
  const forget = new AbortController();
  return {
    signal: AbortSignal.any([cancellationSignal(), own.signal]),
    stop,
    deadlineIn(ms) {
      deadlineAt = Date.now() + ms;
      deadline = setTimeout(() => stop('deadline'), Math.min(ms, MAX_TIMEOUT_MS));
    },
    handOverWith(handover) {
      const onEnd = () => stop('worker_shutdown');
      if (handover.aborted) onEnd();
      else handover.addEventListener('abort', onEnd, { once: true, signal: forget.signal });
    },
    deadlineLeft: () => Math.max(0, deadlineAt - Date.now()),
    done() {
      clearInterval(beat);
      clearTimeout(deadline);
      forget.abort();
      unsubscribe();
    },
  };
}

/** The longest delay setTimeout takes. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;
