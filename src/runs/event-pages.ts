/**
 * Older events of runs, read from the journal and made into frames once for all readers that catch up on them at about the same time.
 * They come at the same time or one right after the other: a reader whose client takes everything at once is through before the next begins.
 */
import { type Frame, heldBytes } from './event-tail.ts';

/** Bytes that the kept pages of all runs may have together; beyond it readers share only what they ask for at the same time. */
const MAX_BYTES = 16 * 1_048_576;

export class EventPages {
  /** By run. */
  readonly #kept = new Map<string, Frame[][]>();
  #bytes = 0;
  /** By run and the seq that they begin after. */
  readonly #underWay = new Map<string, Promise<Frame[]>>();

  /** The frames after `seq`: those that were read lately, or what `read` gives, which one of those who ask at a time is asked for. */
  async after(runId: string, seq: number, read: () => Promise<Frame[]>): Promise<Frame[]> {
    for (const page of this.#kept.get(runId) ?? []) {
      const from = seq + 1 - (page[0]?.seq ?? 0);
      if (from >= 0 && from < page.length) return from === 0 ? page : page.slice(from);
    }
    const key = `${runId} ${seq}`;
    const known = this.#underWay.get(key);
    if (known) return await known;
    const reading = read();
    this.#underWay.set(key, reading);
    try {
      const page = await reading;
      this.#keep(runId, page);
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

  #keep(runId: string, page: Frame[]): void {
    const bytes = page.reduce((sum, frame) => sum + heldBytes(frame), 0);
    if (page.length === 0 || this.#bytes + bytes > MAX_BYTES) return;
    this.#bytes += bytes;
    const pages = this.#kept.get(runId);
    if (pages) pages.push(page);
    else this.#kept.set(runId, [page]);
  }
}
