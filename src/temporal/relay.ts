/**
 * The background work between journal and Temporal: intents that are due are delivered again, and active runs are compared
 * with what Temporal knows. Any number of processes may run it; each of its effects is decided in a journal transaction.
 */
import type { Logger } from 'pino';
import { eachAtATime } from '../at-a-time.ts';
import type { Journal } from '../journal/journal.ts';
import { purgeOld, type Retention } from '../journal/retention.ts';
import type { DueIntent } from '../journal/transactions/engine.ts';
import { pause } from '../pause.ts';
import { type Delivery, MAX_DELIVERING } from './delivery.ts';
import type { Engine } from './engine.ts';
import { isUnreachable } from './link.ts';
import type { Settle } from './settle.ts';
import { type SweepOptions, Sweeps } from './sweeps.ts';

/** How often due intents are looked for. */
const OUTBOX_EVERY_MS = 1_000;
/** How often active runs are compared with Temporal: a workflow ended from outside ends its run within a minute. */
const SWEEP_EVERY_MS = 20_000;
/** A run with an event this recent is alive; it is not compared. */
const QUIET_MS = 10_000;
const INTENTS_AT_A_TIME = 100;
/** How often what has become useless is deleted, and how much of it in one transaction. */
const PURGE_EVERY_MS = 60_000;
const ROWS_AT_A_TIME = 2_000;
/**
 * How long a process that ends waits for what the relay is at: a workflow that is asked what it waits for has no worker any more to answer
 * it. All of it is harmless to leave, and is found again by the next process.
 */
const LAST_WORK_MS = 1_000;

type RelayDeps = {
  journal: Journal;
  engine: Engine;
  delivery: Delivery;
  settle: Settle;
  log: Logger;
  retention: Retention;
  /** The Temporal server is the local one, started on our data directory. */
  ownServer: boolean;
};

export class Relay {
  readonly #deps: RelayDeps;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #sweeps: Sweeps;
  #closed = false;
  /** Temporal was away, or has not been compared yet: what came back may be an older copy of it. */
  #wasAway = true;
  readonly #busy = new Set<Promise<void>>();
  /** It is closed, and what it was still at is left. */
  #left = false;

  constructor(deps: RelayDeps) {
    this.#deps = deps;
    this.#sweeps = new Sweeps(deps);
  }

  start(): void {
    this.#every(OUTBOX_EVERY_MS, 'outbox', () => this.deliverDue());
    this.#every(PURGE_EVERY_MS, 'purge', () => this.purge());
    this.#every(SWEEP_EVERY_MS, 'sweep', () => this.#sweepQuiet(QUIET_MS));
    void this.#deps.engine.link.connected().then(
      () => this.#run('first sweep', () => this.#onConnected()),
      (error: Error) => this.#deps.log.debug({ error: error.message }, 'relay ends without Temporal'),
    );
  }

  /** Begins nothing more, and waits for what is under way, for a short time. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#sweeps.close();
    for (const timer of this.#timers) clearInterval(timer);
    const done = new AbortController();
    void Promise.all(this.#busy).then(() => done.abort());
    await pause(LAST_WORK_MS, done.signal);
    this.#left = true;
  }

  /** Delivers the intents that are due. After an outage all become due as soon as Temporal answers again. */
  async deliverDue(): Promise<void> {
    const { journal, delivery, engine } = this.#deps;
    if (!engine.link.current()) return;
    if (delivery.outage) {
      await engine.ping();
      this.#wasAway = true;
      await journal.write('expediteIntents', {});
      delivery.outage = false;
    }
    while (!this.#closed && !delivery.outage && (await this.#isAnyDue())) {
      const intents = await journal.write('claimIntents', { limit: INTENTS_AT_A_TIME });
      // Due by this process's clock and not by the journal's, or another process has them.
      if (intents.length === 0) return;
      const runs = Map.groupBy(intents, (intent) => intent.run_id).values();
      const { starts = [], others = [] } = Object.groupBy(runs, ([first]) =>
        first?.kind === 'start' ? 'starts' : 'others',
      );
      const deliver = (run: DueIntent[]) => this.#deliverInOrder(run);
      await Promise.all([starts, others].map((some) => eachAtATime(some, MAX_DELIVERING, deliver)));
    }
  }

  async #isAnyDue(): Promise<boolean> {
    const due = await this.#deps.journal.db
      .selectFrom('outbox')
      .select('id')
      .where('next_at', '<=', Date.now())
      .limit(1)
      .executeTakeFirst();
    return due !== undefined;
  }

  /**
   * The intents of one run, which are due: what one that fails leaves has its turn when it is due again. An answer that was delivered
   * and still does not show may have come to a workflow that waits for something else.
   */
  async #deliverInOrder(intents: DueIntent[]): Promise<void> {
    const { delivery, settle, log } = this.#deps;
    for (const intent of intents) {
      if (this.#closed || delivery.outage) return;
      if (delivery.holds(intent)) continue;
      try {
        await delivery.deliver(intent);
        if (intent.kind === 'input' && intent.attempts > 0) await settle.run(intent, { ask: true });
      } catch (error) {
        const { run_id, kind } = intent;
        return log.warn({ run_id, kind, error: (error as Error).message }, 'an intent was not delivered');
      }
    }
  }

  /** Compares the runs that have been quiet for `quietMs` with what Temporal knows (`Sweeps.sweep`). */
  async sweep(quietMs: number, options?: SweepOptions): Promise<void> {
    await this.#sweeps.sweep(quietMs, options);
  }

  /** Deletes what is too old, and what nothing refers to any more: idempotency keys past their day, events of deleted runs. */
  async purge(): Promise<void> {
    const { journal, retention } = this.#deps;
    await purgeOld(journal, retention, () => this.#closed);
    while (!this.#closed && (await journal.write('purgeIdempotency', { limit: ROWS_AT_A_TIME })) === ROWS_AT_A_TIME);
    while (!this.#closed && (await journal.write('purgeDeleted', { limit: ROWS_AT_A_TIME })) > 0);
    while (!this.#closed && (await journal.write('purgeDeletedThreads', { limit: ROWS_AT_A_TIME })) > 0);
  }

  async #onConnected(): Promise<void> {
    await this.deliverDue();
    await this.#sweepQuiet(0);
  }

  /** After Temporal was away the workflows are asked what they wait for, by the first sweep that is done. */
  async #sweepQuiet(quietMs: number): Promise<void> {
    if (!this.#deps.engine.link.current()) return;
    const ask = this.#wasAway;
    this.#wasAway = false;
    try {
      await this.sweep(quietMs, { ask, paced: !ask });
    } catch (error) {
      this.#wasAway ||= ask || isUnreachable(error);
      throw error;
    }
  }

  #every(ms: number, what: string, work: () => Promise<void>): void {
    let running = false;
    this.#timers.push(
      setInterval(() => {
        if (running || this.#closed) return;
        running = true;
        void this.#run(what, work).finally(() => {
          running = false;
        });
      }, ms),
    );
  }

  #run(what: string, work: () => Promise<void>): Promise<void> {
    const done = work()
      .catch((error: Error) => {
        // A list that is given up because the relay closes is not worth a warning, nor is what was left.
        const isGivenUp = this.#left || (this.#closed && error.name === 'AbortError');
        this.#deps.log[isGivenUp ? 'debug' : 'warn']({ error: error.message }, `relay: ${what} failed`);
      })
      .finally(() => this.#busy.delete(done));
    this.#busy.add(done);
    return done;
  }
}
