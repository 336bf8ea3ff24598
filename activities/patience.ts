/** How a step outlasts a short outage of the journal, with what it has in hand. */
import { isHoldfastError } from '../src/errors.ts';
import type { Journal } from '../src/journal/journal.ts';
import type { TransactionArgs, TransactionName, TransactionResult } from '../src/journal/transactions/index.ts';
import { isUnavailable, untilAvailable } from '../src/journal/until-available.ts';

/** How long a step holds on to what it has when the journal cannot be reached or written: then Temporal tries it again. */
export const JOURNAL_OUTAGE_MS = 60_000;

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

/** Those that bring the token of the lease they give: repeated after such a commit, they are told the lease that it gave. */
const BRINGS_TOKEN: ReadonlySet<TransactionName> = new Set<TransactionName>(['beginTurn', 'beginCall']);

/** Does what only reads again while the journal is unavailable. Errors: those of `read`; an `AbortError` by `signal`. */
export function patiently<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return untilAvailable(read, { withinMs: JOURNAL_OUTAGE_MS, signal });
}

/**
 * `journal.write`, tried again while the journal is unavailable: nothing was written then, so nothing is written twice. What takes a
 * lease away, and what gives one, is tried again as well where its outcome is not known. Errors: as of the transaction;
 * `journal.outcome_unknown` where what takes a lease away was written after all: the step that is tried again is told what was recorded.
 */
export function patientWrite(journal: Journal): Journal['write'] {
  return function write<N extends TransactionName>(name: N, args: TransactionArgs<N>): Promise<TransactionResult<N>> {
    const once = () => journal.write(name, args);
    if (TAKES_LEASE_AWAY.has(name)) return takeAway(once);
    const isPassing = BRINGS_TOKEN.has(name) ? mayBeRepeated : isUnavailable;
    return untilAvailable(once, { withinMs: JOURNAL_OUTAGE_MS, isPassing });
  };
}

function takeAway<T>(write: () => Promise<T>): Promise<T> {
  let unknown: unknown;
  let isWritten = false;
  const attempt = async () => {
    try {
      return await write();
    } catch (error) {
      isWritten = unknown !== undefined && isHoldfastError(error, 'steps.superseded');
      if (isWritten) throw unknown;
      if (isUnknown(error)) unknown = error;
      throw error;
    }
  };
  const isPassing = (error: unknown) => !isWritten && mayBeRepeated(error);
  return untilAvailable(attempt, { withinMs: JOURNAL_OUTAGE_MS, isPassing });
}

const mayBeRepeated = (error: unknown): boolean => isUnavailable(error) || isUnknown(error);

const isUnknown = (error: unknown): boolean => isHoldfastError(error, 'journal.outcome_unknown');
