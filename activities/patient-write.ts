import { setTimeout as delay } from 'node:timers/promises';
import { isHoldfastError } from '../src/errors.ts';
import type { Journal } from '../src/journal/journal.ts';
import type { TransactionArgs, TransactionName, TransactionResult } from '../src/journal/transactions/index.ts';

/** How long a step holds on to what it has when the journal cannot be written (a full disk): then Temporal tries it again. */
export const JOURNAL_OUTAGE_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** `journal.write`, tried again while the journal is unavailable: nothing was written then, so nothing is written twice. */
export function patientWrite(journal: Journal): Journal['write'] {
  return async function write<N extends TransactionName>(
    name: N,
    args: TransactionArgs<N>,
  ): Promise<TransactionResult<N>> {
    const until = Date.now() + JOURNAL_OUTAGE_MS;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        return await journal.write(name, args);
      } catch (error) {
        if (!isHoldfastError(error, 'journal.unavailable') || Date.now() > until) throw error;
        await delay(pause);
      }
    }
  };
}
