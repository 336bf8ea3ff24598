/** A semaphore: at most `limit` holders at a time, first come, first served. */
export class Slots {
  readonly #limit: number;
  #taken = 0;
  readonly #waiting = new Set<() => void>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Waits for a free slot and takes it; throws the signal's reason when aborted while waiting. Give it back with `release`. */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#taken < this.#limit) {
      this.#taken++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.delete(handOver);
        reject(signal.reason);
      };
      const handOver = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      this.#waiting.add(handOver);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Gives a slot back, straight to whoever has waited longest. */
  release(): void {
    for (const handOver of this.#waiting) {
      this.#waiting.delete(handOver);
      handOver();
      return;
    }
    this.#taken--;
  }
}
