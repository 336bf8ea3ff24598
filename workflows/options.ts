/** How the steps of a run are timed and tried again. Journal and route count failures; Temporal retries without a limit. */
import { ActivityCancellationType, type ActivityOptions, type LocalActivityOptions } from '@temporalio/workflow';

/** Without a heartbeat for this long a worker is taken for dead: with a retry this bounds the recovery from a kill. */
const HEARTBEAT_TIMEOUT_MS = 5_000;
/** The longest a step may take; silence and budgets end it long before. */
const STEP_TIMEOUT_MS = 24 * 60 * 60 * 1000;
/** A step that is one journal transaction. */
const JOURNAL_TIMEOUT_MS = 10_000;

/** Attempts count a provider's retries too: a long pause after many would add to a killed worker's recovery. */
const retry = { initialInterval: 250, backoffCoefficient: 2, maximumInterval: 1_000 } as const;

export const stepOptions: ActivityOptions = {
  startToCloseTimeout: STEP_TIMEOUT_MS,
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry,
};

/** A tool's 2 s, the start of its server or 5 s in which it may ignore a cancel, and the journal's part. */
const BRIEF_TIMEOUT_MS = 10_000;

/** A brief call is made once so; whatever goes wrong with it, it is an ordinary step then. */
export const briefOptions: LocalActivityOptions = {
  startToCloseTimeout: BRIEF_TIMEOUT_MS,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { maximumAttempts: 1 },
};

export const journalOptions: ActivityOptions = {
  startToCloseTimeout: JOURNAL_TIMEOUT_MS,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry,
};

/** Ending a run waits for its children to end; longer than that wait. */
const FINISH_TIMEOUT_MS = 20_000;

export const finishOptions: ActivityOptions = {
  startToCloseTimeout: FINISH_TIMEOUT_MS,
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry,
};
