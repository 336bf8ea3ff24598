/** What a step says, on its way to the journal: while one commit is under way the next events gather. No timer, no delay. */
import type { Journal } from '../src/journal/journal.ts';
import type { NewEvent } from '../src/journal/run-row.ts';
import type { Lease } from '../src/journal/transactions/begin-turn.ts';

/** Events that may gather before the step has to wait for the journal. */
export const MAX_GATHERED_EVENTS = 1_000;

export class DeltaWriter {
  readonly #journalWrite: Journal['write'];
  readonly #lease: Lease;
  readonly #onFailure: (error: unknown) => void;
  #gathered: NewEvent[] = [];
  #writing: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;

  /** `onFailure` is told once, when an append was refused or could not be made: nothing more is taken. */
  constructor(write: Journal['write'], lease: Lease, onFailure: (error: unknown) => void) {
    this.#journalWrite = write;
    this.#lease = lease;
    this.#onFailure = onFailure;
  }

  /** Takes an event; gives something to wait for only when too many have gathered. Throws what the journal threw. */
  push(type: string, data: Record<string, unknown>): Promise<void> | undefined {
    if (this.#failure) throw this.#failure.error;
    this.#gathered.push({ type, data: JSON.stringify(data) });
    this.#writing ??= this.#write();
    return this.#gathered.length >= MAX_GATHERED_EVENTS ? this.#writing : undefined;
  }

  /** Waits until everything taken is committed. Throws what the journal threw. */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#failure) throw this.#failure.error;
  }

  /** Waits for the commit under way and hands over what has gathered since, for the step's last transaction to carry. */
  async rest(): Promise<NewEvent[]> {
    const gathered = this.#gathered;
    this.#gathered = [];
    await this.#writing;
    if (this.#failure) throw this.#failure.error;
    return gathered;
  }

  async #write(): Promise<void> {
    try {
      while (this.#gathered.length > 0) {
        const events = this.#gathered;
        this.#gathered = [];
        await this.#journalWrite('appendDeltas', { lease: this.#lease, events });
      }
    } catch (error) {
      this.#failure = { error };
      this.#onFailure(error);
    } finally {
      this.#writing = undefined;
    }
  }
}
