import { RoundRobin } from './round-robin.ts';

/** A semaphore: at most `limit` holders at a time; who waits is served in turn with the other tenants, first come, first served among its own. */
export class Slots {
  readonly #limit: number;
  #taken = 0;
  readonly #waiting = new RoundRobin<() => void>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Waits for a free slot and takes it; throws the signal's reason when aborted while waiting. Give it back with `release`. */
  async take(signal: AbortSignal, tenant = ''): Promise<void> {
    signal.throwIfAborted();
    if (this.#taken < this.#limit) {
      this.#taken++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.delete(tenant, handOver);
        reject(signal.reason);
      };
      const handOver = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      this.#waiting.push(tenant, handOver);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Gives a slot back, straight to whoever's turn it is. */
  release(): void {
    const handOver = this.#waiting.shift();
    if (handOver) handOver();
    else this.#taken--;
  }
}
