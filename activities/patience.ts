/** How a step outlasts a short outage of the journal (a restart, a full disk), with what it has in hand. */
import { setTimeout as delay } from 'node:timers/promises';
import { isHoldfastError } from '../src/errors.ts';
import type { Journal } from '../src/journal/journal.ts';
import type { TransactionArgs, TransactionName, TransactionResult } from '../src/journal/transactions/index.ts';

/** How long a step holds on to what it has when the journal cannot be reached or written: then Temporal tries it again. */
export const JOURNAL_OUTAGE_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Those that need a lease and take it away: repeated after a commit whose outcome is not known, they happen once. If the first did, the
 * next is refused (`steps.superseded`).
 */
const TAKES_LEASE_AWAY: ReadonlySet<TransactionName> = new Set<TransactionName>([
  'completeTurn',
  'failAttempt',
  'completeCall',
  'releaseCall',
  'createChild',
]);

/** Does what writes nothing again while the journal is unavailable. Errors: those of `work`; an `AbortError` by `signal`. */
export function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return repeat(work, { signal });
}

/**
 * `journal.write`, tried again while the journal is unavailable: nothing was written then, so nothing is written twice. What gives a
 * lease back is tried again as well where its outcome is not known. Errors: as of the transaction; `journal.outcome_unknown` where one
 * of those was written after all: the step that is tried again is told what was recorded.
 */
export function patientWrite(journal: Journal): Journal['write'] {
  return function write<N extends TransactionName>(name: N, args: TransactionArgs<N>): Promise<TransactionResult<N>> {
    return repeat(() => journal.write(name, args), { evenUnknown: TAKES_LEASE_AWAY.has(name) });
  };
}

async function repeat<T>(
  work: () => Promise<T>,
  { evenUnknown = false, signal }: { evenUnknown?: boolean; signal?: AbortSignal },
): Promise<T> {
  const until = Date.now() + JOURNAL_OUTAGE_MS;
  let unknown: unknown;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (unknown !== undefined && isHoldfastError(error, 'steps.superseded')) throw unknown;
      const isUnknown = evenUnknown && isHoldfastError(error, 'journal.outcome_unknown');
      if (isUnknown) unknown = error;
      if (!(isUnknown || isHoldfastError(error, 'journal.unavailable')) || Date.now() > until) throw error;
      await delay(pause, undefined, signal ? { signal } : {});
    }
  }
}
