import type { Appended, ReadDb, StoredEvent } from './journal.ts';

/** Events of a run that one wake-up brings; where more are missing, its readers read pages. */
export const MAX_BROUGHT = 256;
/** Runs that one query asks for. */
const RUNS_AT_A_TIME = 500;

type Options = {
  db: ReadDb;
  /** Reads up to `MAX_BROUGHT` events of each run after what is known of it; absent: readers read pages. */
  readAfter?: (runs: { run_id: string; known: number }[]) => Promise<Map<string, StoredEvent[]>>;
  onAppended: (appended: Appended) => void;
  onTrouble: (error: unknown, what: string) => void;
};

/**
 * The runs that somebody reads in this process. What other processes commit to them is read from the table, for all woken runs in
 * one query at a time, and told like a commit of our own: all readers of a run share it.
 */
export class WatchedRuns {
  readonly #options: Options;
  readonly #watched = new Map<string, Set<() => number>>();
  /** Runs that are woken, and the newest seq they were told to have. */
  readonly #woken = new Map<string, number>();
  #isBringing = false;
  #isPolling = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** `known` says the newest seq that the watcher has. Returns the way to stop. */
  watch(runId: string, known: () => number): () => void {
    const watchers = this.#watched.get(runId) ?? new Set();
    this.#watched.set(runId, watchers.add(known));
    return () => {
      watchers.delete(known);
      if (watchers.size === 0) this.#watched.delete(runId);
    };
  }

  /** The run has events up to `lastSeq`: brings those that its watchers do not have. */
  wake(runId: string, lastSeq: number): void {
    if (lastSeq <= this.#knownOf(runId)) return;
    this.#woken.set(runId, Math.max(lastSeq, this.#woken.get(runId) ?? 0));
    void this.#bring();
  }

  /** Looks whether watched runs have events that nobody told of. */
  async poll(): Promise<void> {
    if (this.#isPolling || this.#watched.size === 0) return;
    this.#isPolling = true;
    try {
      const ids = [...this.#watched.keys()];
      for (let from = 0; from < ids.length; from += RUNS_AT_A_TIME) {
        const rows = await this.#options.db
          .selectFrom('runs')
          .select(['id', 'last_seq'])
          .where('id', 'in', ids.slice(from, from + RUNS_AT_A_TIME))
          .execute();
        for (const { id, last_seq } of rows) this.wake(id, last_seq);
      }
    } catch (error) {
      this.#options.onTrouble(error, 'watched runs were not looked at');
    } finally {
      this.#isPolling = false;
    }
  }

  /** The newest seq that all watchers of a run have; infinite where nobody watches. */
  #knownOf(runId: string): number {
    let least = Number.POSITIVE_INFINITY;
    for (const known of this.#watched.get(runId) ?? []) least = Math.min(least, known());
    return least;
  }

  async #bring(): Promise<void> {
    if (this.#isBringing) return;
    this.#isBringing = true;
    // What one notification wakes is asked for together.
    await Promise.resolve();
    try {
      while (this.#woken.size > 0) await this.#bringSome();
    } catch (error) {
      this.#options.onTrouble(error, 'events of other processes were not read');
    } finally {
      this.#isBringing = false;
    }
  }

  async #bringSome(): Promise<void> {
    const woken = [...this.#woken].slice(0, RUNS_AT_A_TIME);
    for (const [runId] of woken) this.#woken.delete(runId);
    const missing = woken
      .map(([run_id, last_seq]) => ({ run_id, last_seq, known: this.#knownOf(run_id) }))
      .filter(({ last_seq, known }) => last_seq > known);
    const { readAfter } = this.#options;
    const near = missing.filter(({ last_seq, known }) => last_seq - known <= MAX_BROUGHT);
    const events = readAfter && near.length > 0 ? await readAfter(near) : new Map<string, StoredEvent[]>();
    for (const { run_id, last_seq } of missing) {
      const brought = events.get(run_id);
      const newest = brought?.at(-1)?.seq ?? last_seq;
      this.#options.onAppended({ run_id, last_seq: newest, elsewhere: true, ...(brought ? { events: brought } : {}) });
    }
  }
}
