import type { Appended } from '../journal.ts';

type Entry = { appended: Appended; state: 'pending' | 'committed' | 'gone' };

/**
 * Tells of commits in the order of the events, run by run. Two commits of one run come one after the other in the database, which
 * holds the run's row, but their answers arrive on two connections in any order: each waits for those that were sent before it.
 */
export class OrderedTelling {
  readonly #runs = new Map<string, Entry[]>();
  readonly #tell: (appended: Appended) => void;

  constructor(tell: (appended: Appended) => void) {
    this.#tell = tell;
  }

  /** Takes what a transaction is about to commit; what is returned says whether it did. */
  expect(appended: Appended[]): (committed: boolean) => void {
    const entries = appended.map((one): Entry => ({ appended: one, state: 'pending' }));
    for (const entry of entries) {
      const { run_id } = entry.appended;
      const known = this.#runs.get(run_id);
      if (known) known.push(entry);
      else this.#runs.set(run_id, [entry]);
    }
    return (committed) => {
      for (const entry of entries) entry.state = committed ? 'committed' : 'gone';
      for (const run_id of new Set(appended.map((one) => one.run_id))) this.#tellSettled(run_id);
    };
  }

  #tellSettled(runId: string): void {
    const entries = this.#runs.get(runId) ?? [];
    while (entries[0] && entries[0].state !== 'pending') {
      const entry = entries.shift() as Entry;
      if (entry.state === 'committed') this.#tell(entry.appended);
    }
    if (entries.length === 0) this.#runs.delete(runId);
  }
}
