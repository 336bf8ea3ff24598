import { setTimeout as delay } from 'node:timers/promises';
import { type HoldfastError, isHoldfastError } from '../errors.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

type Patience = {
  withinMs: number;
  signal?: AbortSignal;
  /** Which errors are waited out. Default: that the journal is unavailable. */
  isPassing?: (error: unknown) => boolean;
};

/**
 * Does `work` again while the journal is unavailable, which promises that nothing was written: after a restart of the database, a lost
 * connection, a full disk. Errors: those of `work`, the last one when time is up; an `AbortError` by the signal.
 */
export async function untilAvailable<T>(work: () => Promise<T>, patience: Patience): Promise<T> {
  const { isPassing = isUnavailable } = patience;
  const options = patience.signal ? { signal: patience.signal } : {};
  const until = Date.now() + patience.withinMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || Date.now() > until) throw error;
      await delay(pause, undefined, options);
    }
  }
}

export const isUnavailable = (error: unknown): error is HoldfastError => isHoldfastError(error, 'journal.unavailable');
