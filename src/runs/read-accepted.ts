import { HoldfastError } from '../errors.ts';
import { isUnavailable, untilAvailable } from '../journal/until-available.ts';

/** How long a request waits to read what it has written, when the journal goes away in between. */
const READ_ACCEPTED_MS = 5_000;

/**
 * Reads what the same request has just written, to show it. That the journal is unavailable then must not be told as it is: it promises
 * that nothing was written, and whoever asks again has it twice. Errors: those of `read`; `journal.outcome_unknown` instead.
 */
export async function readAccepted<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await untilAvailable(read, { withinMs: READ_ACCEPTED_MS });
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    const { message, retryAfterS } = error;
    const said = `It was accepted, and could not be read again: ${message} Repeat with the same Idempotency-Key.`;
    throw new HoldfastError('journal.outcome_unknown', said, { retryAfterS, cause: error });
  }
}
