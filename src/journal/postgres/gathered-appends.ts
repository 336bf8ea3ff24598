/** Appends of all steps of this process: while one batch is under way the next ones gather. No timer, no delay when idle. */
import { HoldfastError } from '../../errors.ts';
import { appendBytes } from '../rough-bytes.ts';
import { superseded } from '../transactions/append-deltas.ts';
import type { Append, AppendOutcome } from './append-together.ts';
import { APPEND_CONNECTIONS, MAX_WAITING } from './connections.ts';
import { isRefusal } from './errors.ts';

/** Appends that share a commit at most. */
export const MAX_BATCH_APPENDS = 256;
/** Bytes of them, roughly; a single one may be larger. */
export const MAX_BATCH_BYTES = 1_048_576;

type Waiting = { append: Append; bytes: number; resolve: () => void; reject: (error: unknown) => void };

type Options = {
  /** Commits many in one transaction, and says what became of each. */
  together: (appends: Append[]) => Promise<AppendOutcome[]>;
  /** Commits one in a transaction of its own, which waits for the run's row. */
  alone: (append: Append) => Promise<void>;
};

export class GatheredAppends {
  readonly #options: Options;
  #gathered: Waiting[] = [];
  #underWay = 0;
  #isScheduled = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Errors: as `appendDeltas` in a transaction of its own, for its own sake or, `journal.…`, for that of the batch. */
  append(append: Append): Promise<void> {
    if (this.#gathered.length >= MAX_WAITING) {
      const message = 'Too many appends wait for the database.';
      return Promise.reject(new HoldfastError('journal.unavailable', message, { retryAfterS: 1 }));
    }
    return new Promise((resolve, reject) => {
      const bytes = appendBytes(append);
      this.#gathered.push({ append, bytes, resolve, reject });
      this.#schedule();
    });
  }

  /** At the end of this turn of the event loop: what other streams say in it, and after the batch before, goes along. */
  #schedule(): void {
    if (this.#isScheduled || this.#gathered.length === 0 || this.#underWay >= APPEND_CONNECTIONS) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      void this.#commit(this.#nextBatch());
      this.#schedule();
    });
  }

  #nextBatch(): Waiting[] {
    let bytes = 0;
    const beyond = this.#gathered.findIndex((waiting, i) => {
      bytes += waiting.bytes;
      return i === MAX_BATCH_APPENDS || (i > 0 && bytes > MAX_BATCH_BYTES);
    });
    return this.#gathered.splice(0, beyond === -1 ? this.#gathered.length : beyond);
  }

  async #commit(batch: Waiting[]): Promise<void> {
    this.#underWay++;
    try {
      const outcomes = await this.#options.together(batch.map(({ append }) => append));
      for (const [i, waiting] of batch.entries()) this.#settle(waiting, outcomes[i] as AppendOutcome);
    } catch (error) {
      // Something in one of them is at fault: the others do without it.
      const isOfOne = isRefusal(error) && !(error instanceof HoldfastError);
      for (const waiting of batch) {
        if (isOfOne) this.#appendAlone(waiting);
        else waiting.reject(error);
      }
    } finally {
      this.#underWay--;
      this.#schedule();
    }
  }

  #settle(waiting: Waiting, outcome: AppendOutcome): void {
    if (outcome === 'appended') waiting.resolve();
    else if (outcome === 'superseded') waiting.reject(superseded(waiting.append.lease));
    else this.#appendAlone(waiting);
  }

  #appendAlone({ append, resolve, reject }: Waiting): void {
    this.#options.alone(append).then(resolve, reject);
  }
}
