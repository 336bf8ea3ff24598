/**
 * Brings accepted intents (start, input, cancel, a child's end) to Temporal. The happy path delivers right after the commit; what did not
 * arrive stays in the outbox, where any process finds it when it is due. The journal deletes an intent when its effect shows.
 */
import type { Logger } from 'pino';
import { isHoldfastError } from '../errors.ts';
import type { Intent, Journal } from '../journal/journal.ts';
import type { Engine } from './engine.ts';
import { isUnreachable } from './link.ts';
import type { Settle } from './settle.ts';

/** Deliveries under way at a time; more wait in `#waiting`. */
const MAX_DELIVERING = 16;
/** Deliveries that may wait in memory; what comes beyond is left to the outbox, which holds it anyway. */
const MAX_WAITING = 5_000;
/** A cancelled run's steps are stopped when Temporal has the cancel, and after this long without it. */
const ABORT_AFTER_MS = 1_000;

export class Delivery {
  readonly #journal: Journal;
  readonly #engine: Engine;
  readonly #settle: Settle;
  readonly #log: Logger;
  readonly #waiting: { intent: Intent; late: NodeJS.Timeout | undefined }[] = [];
  #delivering = 0;
  /** Temporal could not be reached at the last try: nothing more is tried until it answers. */
  outage = false;

  constructor(deps: { journal: Journal; engine: Engine; settle: Settle; log: Logger }) {
    this.#journal = deps.journal;
    this.#engine = deps.engine;
    this.#settle = deps.settle;
    this.#log = deps.log;
    deps.journal.onIntent((intent) => this.soon(intent));
  }

  /** Delivers soon, without being waited for; a failure is left to the outbox. */
  soon(intent: Intent): void {
    if (this.outage || this.#waiting.length >= MAX_WAITING) {
      if (intent.kind === 'cancel') this.#journal.abortRun(intent.run_id);
      return;
    }
    const abort = () => this.#journal.abortRun(intent.run_id);
    this.#waiting.push({
      intent,
      late: intent.kind === 'cancel' ? setTimeout(abort, ABORT_AFTER_MS).unref() : undefined,
    });
    this.#next();
  }

  #next(): void {
    while (this.#delivering < MAX_DELIVERING) {
      const next = this.#waiting.shift();
      if (!next) return;
      const { intent, late } = next;
      this.#delivering++;
      this.deliver(intent)
        .catch((error: Error) => {
          this.#log.debug({ run_id: intent.run_id, kind: intent.kind, error: error.message }, 'left to the outbox');
        })
        .finally(() => {
          clearTimeout(late);
          this.#delivering--;
          this.#next();
        });
    }
  }

  /** Delivers now; throws when Temporal cannot be reached. */
  async deliver(intent: Intent): Promise<void> {
    try {
      await this.#deliver(intent);
    } catch (error) {
      if (isUnreachable(error) || isHoldfastError(error, 'temporal.unreachable')) this.outage = true;
      throw error;
    }
  }

  async #deliver(intent: Intent): Promise<void> {
    if (intent.kind === 'start') return await this.#start(intent);
    if (intent.kind === 'input' || intent.kind === 'child')
      return void (await this.#engine.signalInput(intent.run_id, intent.ref));
    try {
      await this.#engine.cancel(intent.run_id);
    } finally {
      this.#journal.abortRun(intent.run_id);
    }
  }

  async #start(intent: Intent): Promise<void> {
    const run = await this.#journal.db
      .selectFrom('runs')
      .select(['thread_id', 'persona_id', 'model', 'ended', 'epoch'])
      .where('id', '=', intent.run_id)
      .where('org_id', '=', intent.org_id)
      .executeTakeFirst();
    if (!run || run.ended) return;
    const started = await this.#engine.start({
      org_id: intent.org_id,
      run_id: intent.run_id,
      thread_id: run.thread_id,
      epoch: run.epoch,
      persona: run.persona_id ?? 'none',
      model: run.model,
    });
    if (!started) await this.#settle(intent, { closedStands: true });
  }
}
