import type { Logger } from 'pino';

/** What must be closed, in reverse order of its opening; each is closed once, and one that fails does not stop the rest. */
export class Closers {
  readonly #open: { what: string; close: () => unknown }[] = [];
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  add(what: string, close: () => unknown): void {
    this.#open.push({ what, close });
  }

  async closeAll(): Promise<void> {
    for (let next = this.#open.pop(); next; next = this.#open.pop()) {
      try {
        await next.close();
      } catch (error) {
        this.#log.warn({ error: (error as Error).message }, `closing ${next.what} failed`);
      }
    }
  }
}
