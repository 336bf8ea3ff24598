/**
 * Older events of runs, read from the journal and made into frames once for all readers that catch up on them at about the same time.
 * They come at the same time or one right after the other: a reader whose client takes everything at once is through before the next begins.
 */
import { type Frame, heldBytes } from './event-tail.ts';

/** Bytes that the kept pages of all runs may have together; beyond it readers share only what they ask for at the same time. */
const MAX_PAGES_BYTES = 16 * 1_048_576;

export class EventPages {
  /** By organisation and run. */
  readonly #kept = new Map<string, Frame[][]>();
  #bytes = 0;
  /** By organisation, run and the seq that they begin after. */
  readonly #underWay = new Map<string, Promise<Frame[]>>();

  /** The frames after `seq`: those that were read lately, or what `read` gives, which one of those who ask at a time is asked for. */
  async after(run: { org_id: string; run_id: string }, seq: number, read: () => Promise<Frame[]>): Promise<Frame[]> {
    const name = `${run.org_id} ${run.run_id}`;
    for (const page of this.#kept.get(name) ?? []) {
      const from = seq + 1 - (page[0]?.seq ?? 0);
      if (from >= 0 && from < page.length) return from === 0 ? page : page.slice(from);
    }
    const key = `${name} ${seq}`;
    const known = this.#underWay.get(key);
    if (known) return await known;
    const reading = read();
    this.#underWay.set(key, reading);
    try {
      const page = await reading;
      this.#keep(name, page);
      return page;
    } finally {
      this.#underWay.delete(key);
    }
  }

  /** What is asked for next is read anew. */
  forget(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  #keep(name: string, page: Frame[]): void {
    const bytes = page.reduce((sum, frame) => sum + heldBytes(frame), 0);
    if (page.length === 0 || this.#bytes + bytes > MAX_PAGES_BYTES) return;
    this.#bytes += bytes;
    const pages = this.#kept.get(name);
    if (pages) pages.push(page);
    else this.#kept.set(name, [page]);
  }
}
