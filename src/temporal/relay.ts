/**
 * The background work between journal and Temporal: intents that are due are delivered again, and active runs are compared
 * with what Temporal knows. Any number of processes may run it; each of its effects is decided in a journal transaction.
 */
import type { Logger } from 'pino';
import type { Journal } from '../journal/journal.ts';
import { purgeOld, type Retention } from '../journal/retention.ts';
import type { Delivery } from './delivery.ts';
import type { Engine } from './engine.ts';
import { namespaceIsKnown } from './namespace-identity.ts';
import type { Settle } from './settle.ts';

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
/** Runs that are compared with Temporal at the same time. */
const SETTLED_AT_A_TIME = 16;
/** Up to this many quiet runs are described without asking the visibility store first. */
const DESCRIBE_ALL = 100;
/** Runs compared in one sweep; the rest have their turn in the next. */
const SWEEP_LIMIT = 20_000;

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
  #closed = false;
  /** Where the next sweep goes on, when one could not look at all runs. */
  #sweptTo = '';
  readonly #busy = new Set<Promise<void>>();

  constructor(deps: RelayDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#every(OUTBOX_EVERY_MS, 'outbox', () => this.deliverDue());
    this.#every(PURGE_EVERY_MS, 'purge', () => this.purge());
    this.#every(SWEEP_EVERY_MS, 'sweep', () => this.sweep(QUIET_MS));
    void this.#deps.engine.link.connected().then(
      () => this.#run('first sweep', () => this.#onConnected()),
      (error: Error) => this.#deps.log.debug({ error: error.message }, 'relay ends without Temporal'),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#busy);
  }

  /** Delivers the intents that are due. After an outage all become due as soon as Temporal answers again. */
  async deliverDue(): Promise<void> {
    const { journal, delivery, engine } = this.#deps;
    if (!engine.link.current()) return;
    if (delivery.outage) {
      await engine.ping();
      delivery.outage = false;
      await journal.write('expediteIntents', {});
    }
    const due = await journal.db
      .selectFrom('outbox')
      .select('id')
      .where('next_at', '<=', Date.now())
      .limit(1)
      .executeTakeFirst();
    if (!due) return;
    const intents = await journal.write('claimIntents', { limit: INTENTS_AT_A_TIME });
    for (const [, ofRun] of Map.groupBy(intents, (intent) => intent.run_id)) {
      for (const intent of ofRun) {
        if (this.#closed || delivery.outage) return;
        try {
          await delivery.deliver(intent);
        } catch (error) {
          const { run_id, kind } = intent;
          this.#deps.log.warn({ run_id, kind, error: (error as Error).message }, 'an intent was not delivered');
          break;
        }
      }
    }
  }

  /** Compares the runs that have been quiet for `quietMs` with what Temporal knows. */
  async sweep(quietMs: number): Promise<void> {
    const { journal, engine, settle } = this.#deps;
    const connected = engine.link.current();
    if (!connected) return;
    await namespaceIsKnown(journal, connected, this.#deps.ownServer);
    const quiet = await journal.db
      .selectFrom('runs')
      .select(['org_id', 'id as run_id'])
      .where('ended', '=', 0)
      .where('last_event_at', '<=', Date.now() - quietMs)
      .where('id', '>', this.#sweptTo)
      .orderBy('id')
      .limit(SWEEP_LIMIT)
      .execute();
    this.#sweptTo = quiet.length === SWEEP_LIMIT ? (quiet.at(-1)?.run_id ?? '') : '';
    if (quiet.length === 0) return;
    const running = quiet.length > DESCRIBE_ALL ? await engine.listRunning() : new Set<string>();
    const unsure = quiet.filter((run) => !running.has(run.run_id));
    const settleNext = async () => {
      for (let run = unsure.pop(); run && !this.#closed; run = unsure.pop()) await settle(run);
    };
    await Promise.all(Array.from({ length: SETTLED_AT_A_TIME }, settleNext));
  }

  /** Deletes what is too old, and what nothing refers to any more: idempotency keys past their day, events of deleted runs. */
  async purge(): Promise<void> {
    const { journal, retention } = this.#deps;
    await purgeOld(journal, retention, () => this.#closed);
    while (!this.#closed && (await journal.write('purgeIdempotency', { limit: ROWS_AT_A_TIME })) === ROWS_AT_A_TIME);
    while (!this.#closed && (await journal.write('purgeDeleted', { limit: ROWS_AT_A_TIME })) > 0);
  }

  async #onConnected(): Promise<void> {
    await this.deliverDue();
    await this.sweep(0);
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
      .catch((error: Error) => this.#deps.log.warn({ error: error.message }, `relay: ${what} failed`))
      .finally(() => this.#busy.delete(done));
    this.#busy.add(done);
    return done;
  }
}
