/**
 * Brings accepted intents (start, input, cancel, a child's end) to Temporal. The happy path delivers right after the commit, from each
 * organisation in turn; what did not arrive stays in the outbox, where any process finds it when it is due. The journal deletes an
 * intent when its effect shows.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { HoldfastError, isHoldfastError } from '../errors.ts';
import type { Intent, Journal } from '../journal/journal.ts';
import type { Engine } from './engine.ts';
import { Lane } from './lane.ts';
import { isUnreachable } from './link.ts';
import type { Settle } from './settle.ts';
import { startOf } from './start-of.ts';
import { StartPace } from './start-pace.ts';

/** Starts under way at a time, and as many other intents beside them: an answer or a cancel does not wait behind starts. */
export const MAX_DELIVERING = 16;
/** Deliveries of each sort that may wait in memory; what comes beyond is left to the outbox, which holds it anyway. */
export const MAX_WAITING_DELIVERIES = 5_000;
/** A cancelled run's steps are stopped when Temporal has the cancel, and after this long without it. */
const ABORT_AFTER_MS = 1_000;
/** How long a process that ends goes on delivering. */
const LAST_DELIVERIES_MS = 1_000;
const LOOK_AGAIN_MS = 10;

export class Delivery {
  readonly #journal: Journal;
  readonly #engine: Engine;
  readonly #settle: Settle;
  readonly #log: Logger;
  readonly #starts: Lane<Intent>;
  readonly #others: Lane<Intent>;
  readonly #pace: StartPace;
  /** Those that wait or are under way in this process. */
  readonly #held = new Set<string>();
  /** Temporal could not be reached at the last try: nothing more is tried until it answers. */
  outage = false;

  constructor(deps: { journal: Journal; engine: Engine; settle: Settle; log: Logger }) {
    this.#journal = deps.journal;
    this.#engine = deps.engine;
    this.#settle = deps.settle;
    this.#log = deps.log;
    const lane = () =>
      new Lane<Intent>({
        atATime: MAX_DELIVERING,
        maxWaiting: MAX_WAITING_DELIVERIES,
        work: (intent) => this.#try(intent),
        turnedAway: (intent) => this.#leave(intent),
      });
    this.#pace = new StartPace(deps.journal, deps.log);
    this.#starts = lane();
    this.#others = lane();
    deps.journal.onIntent((intent) => this.soon(intent));
  }

  /** Delivers soon, without being waited for; a failure is left to the outbox. */
  soon(intent: Intent): void {
    if (this.outage) {
      this.#leave(intent);
      return;
    }
    if (intent.kind === 'cancel') this.#abortLate(intent);
    this.#held.add(nameOf(intent));
    (intent.kind === 'start' ? this.#starts : this.#others).push(intent);
  }

  /** Whether this process is about to deliver it, or does so now. */
  holds(intent: Intent): boolean {
    return this.#held.has(nameOf(intent));
  }

  /** Stops the run's steps when its cancel is not delivered soon. */
  #abortLate(intent: Intent): void {
    setTimeout(() => {
      if (this.holds(intent)) this.#journal.abortRun(intent.run_id);
    }, ABORT_AFTER_MS).unref();
  }

  async #try(intent: Intent): Promise<void> {
    try {
      if (this.outage) this.#leave(intent);
      else await this.deliver(intent);
    } catch (error) {
      const { run_id, kind } = intent;
      this.#log.debug({ run_id, kind, error: (error as Error).message }, 'left to the outbox');
    } finally {
      this.#held.delete(nameOf(intent));
    }
  }

  /** To the outbox. A cancelled run stops its work all the same. */
  #leave(intent: Intent): void {
    this.#held.delete(nameOf(intent));
    if (intent.kind === 'cancel') this.#journal.abortRun(intent.run_id);
  }

  /**
   * Delivers what was accepted last, for a short time: another process would find it in the outbox only when it is due again. What then
   * still waits is left to it.
   */
  async close(): Promise<void> {
    const until = Date.now() + LAST_DELIVERIES_MS;
    while (this.#held.size > 0 && Date.now() < until) await delay(LOOK_AGAIN_MS);
    this.#pace.close();
  }

  /** Delivers now, a start when it has its turn; throws when Temporal cannot be reached. */
  async deliver(intent: Intent): Promise<void> {
    try {
      await this.#deliver(intent);
    } catch (error) {
      if (isUnreachable(error) || isHoldfastError(error, 'temporal.unreachable')) this.outage = true;
      throw error;
    }
  }

  async #deliver(intent: Intent): Promise<void> {
    if (intent.kind === 'start') return await this.#pace.start(intent, () => this.#start(intent));
    if (intent.kind === 'input' || intent.kind === 'child')
      return void (await this.#engine.signalInput(intent.run_id, intent.ref));
    try {
      await this.#engine.cancel(intent.run_id);
    } finally {
      this.#journal.abortRun(intent.run_id);
    }
  }

  async #start(intent: Intent): Promise<void> {
    if (this.outage) throw new HoldfastError('temporal.unreachable', 'Temporal went away while the start had to wait.');
    const run = await startOf(this.#journal, intent);
    if (!run) return;
    const started = await this.#engine.start(run);
    if (!started) await this.#settle.run(intent, { closedStands: true });
  }
}

const nameOf = ({ run_id, kind, ref }: Intent) => `${run_id} ${kind} ${ref}`;
