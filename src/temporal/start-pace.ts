/**
 * How many starts Temporal is asked for before the runs have begun: what it has taken it works off in the order it came, so the queue is
 * kept here, where each organisation has its turn.
 */
import type { Logger } from 'pino';
import type { Journal } from '../journal/journal.ts';
import { Slots } from '../slots.ts';

/** Starts that Temporal has been asked for and whose runs have not begun, at a time. */
export const MAX_STARTING = 8;
/** A start that has not shown after this long is not waited for: no worker may be there, or its run be stuck. */
export const START_SHOWS_MS = 5_000;
/** How often the outbox is asked which starts have shown in other processes. */
const LOOK_EVERY_MS = 50;

type Started = { at: number; release: () => void };

export class StartPace {
  readonly #journal: Journal;
  readonly #slots = new Slots(MAX_STARTING);
  readonly #started = new Map<string, Started>();
  readonly #closing = new AbortController();
  readonly #stopListening: () => void;
  readonly #timer: NodeJS.Timeout;
  #looking = false;

  constructor(journal: Journal, log: Logger) {
    this.#journal = journal;
    this.#stopListening = journal.onAppended(({ run_id }) => this.#shown(run_id));
    this.#timer = setInterval(() => {
      this.#look().catch((error: Error) => log.warn({ error: error.message }, 'starts under way were not looked at'));
    }, LOOK_EVERY_MS).unref();
  }

  /** Waits for the organisation's turn, then asks for the start. The next may go when this one has shown, or has failed. */
  async start(intent: { org_id: string; run_id: string }, ask: () => Promise<void>): Promise<void> {
    await this.#slots.take(this.#closing.signal, intent.org_id);
    let released = false;
    const release = () => {
      if (!released) this.#slots.release();
      released = true;
    };
    const started = { at: performance.now(), release };
    // Whoever is asked for twice is waited for once.
    this.#started.get(intent.run_id)?.release();
    this.#started.set(intent.run_id, started);
    try {
      await ask();
    } catch (error) {
      this.#shown(intent.run_id);
      throw error;
    }
  }

  close(): void {
    this.#closing.abort(new Error('closed before the start had its turn'));
    this.#stopListening();
    clearInterval(this.#timer);
  }

  #shown(runId: string): void {
    this.#started.get(runId)?.release();
    this.#started.delete(runId);
  }

  /** One look at a time: the journal may be slow to answer. */
  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      await this.#lookAtOutbox();
    } finally {
      this.#looking = false;
    }
  }

  /** An intent that is no longer in the outbox has shown, whichever process had the effect. */
  async #lookAtOutbox(): Promise<void> {
    const old = performance.now() - LOOK_EVERY_MS;
    const asked = [...this.#started].filter(([, { at }]) => at <= old).map(([runId]) => runId);
    if (asked.length === 0) return;
    const rows = await this.#journal.db
      .selectFrom('outbox')
      .select('run_id')
      .where('kind', '=', 'start')
      .where('run_id', 'in', asked)
      .execute();
    const waiting = new Set(rows.map((row) => row.run_id));
    const late = performance.now() - START_SHOWS_MS;
    for (const runId of asked) {
      const started = this.#started.get(runId);
      if (started && (!waiting.has(runId) || started.at <= late)) this.#shown(runId);
    }
  }
}
