/**
 * The background work between journal and Temporal: intents that are due are delivered again, and active runs are compared
 * with what Temporal knows. Any number of processes may run it; each of its effects is decided in a journal transaction.
 */
import type { Logger } from 'pino';
import { eachAtATime } from '../at-a-time.ts';
import type { Journal } from '../journal/journal.ts';
import { notEnded } from '../journal/not-ended.ts';
import { purgeOld, type Retention } from '../journal/retention.ts';
import type { DueIntent } from '../journal/transactions/engine.ts';
import { type Asking, lookAtWorkflows, NOT_IN_JOURNAL } from './agreement.ts';
import { type Delivery, MAX_DELIVERING } from './delivery.ts';
import type { Engine } from './engine.ts';
import { isUnreachable } from './link.ts';
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
/** Workflows asked what they wait for when a process begins, or Temporal comes back; an evicted one is replayed for it. */
const ASKED_LIMIT = 1_000;

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
  #sweptTo = { org_id: '', run_id: '' };
  readonly #asking: Asking = { due: new Set(), agreed: new Map() };
  /** Running workflows without a run, when it was last looked. */
  #unknown = 0;
  /** Temporal was away: what came back may be an older copy of it. */
  #wasAway = false;
  readonly #busy = new Set<Promise<void>>();

  constructor(deps: RelayDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#every(OUTBOX_EVERY_MS, 'outbox', () => this.deliverDue());
    this.#every(PURGE_EVERY_MS, 'purge', () => this.purge());
    this.#every(SWEEP_EVERY_MS, 'sweep', () => this.#sweepOnTime());
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
      this.#wasAway = true;
      await journal.write('expediteIntents', {});
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

  /**
   * Compares the runs that have been quiet for `quietMs` with what Temporal knows, and closes workflows whose runs have ended. `ask`:
   * the workflows of the latest runs are asked what they wait for, since either side may have been restored from an older copy.
   */
  async sweep(quietMs: number, { ask = false } = {}): Promise<void> {
    const { journal, engine } = this.#deps;
    const connected = engine.link.current();
    if (!connected) return;
    await namespaceIsKnown(journal, connected, this.#deps.ownServer);
    const quiet = await journal.db
      .selectFrom('runs')
      .select(['org_id', 'id as run_id', 'status', 'temporal_run_id'])
      .where(notEnded)
      .where('queued_input', 'is', null)
      .where('last_event_at', '<=', Date.now() - quietMs)
      // In the order of the index of active runs.
      .where((eb) => eb(eb.refTuple('org_id', 'id'), '>', eb.tuple(this.#sweptTo.org_id, this.#sweptTo.run_id)))
      .orderBy('org_id')
      .orderBy('id')
      .limit(SWEEP_LIMIT)
      .execute();
    const last = quiet.length === SWEEP_LIMIT ? quiet.at(-1) : undefined;
    this.#sweptTo = { org_id: last?.org_id ?? '', run_id: last?.run_id ?? '' };
    if (ask) await this.#askLatest();
    const running = quiet.length > DESCRIBE_ALL ? await engine.listRunning() : undefined;
    // A run at work that has been quiet for so long may be stuck; one that waits is as it should be.
    const isSpared = ({ run_id, status, temporal_run_id }: (typeof quiet)[number]) => {
      const execution = running?.get(run_id);
      const isKnown = execution === temporal_run_id || execution === this.#asking.agreed.get(run_id);
      return execution !== undefined && isKnown && status === 'waiting_for_input' && !this.#asking.due.has(run_id);
    };
    await this.#settleAll(quiet.filter((run) => !isSpared(run)));
    await this.#closeEnded(new Set((running ?? (await engine.listRunning())).keys()), quietMs);
    if (this.#asking.agreed.size > SWEEP_LIMIT) this.#asking.agreed.clear();
  }

  async #settleAll(runs: { org_id: string; run_id: string }[]): Promise<void> {
    await eachAtATime(runs, SETTLED_AT_A_TIME, async (run) => {
      if (!this.#closed) await this.#deps.settle.run(run, { asking: this.#asking });
    });
  }

  /** The runs that did something last: what a restored copy lacks concerns them. */
  async #askLatest(): Promise<void> {
    const latest = await this.#deps.journal.db
      .selectFrom('runs')
      .select('id')
      .where(notEnded)
      .orderBy('last_event_at', 'desc')
      .limit(ASKED_LIMIT)
      .execute();
    this.#asking.due = new Set(latest.map((run) => run.id));
  }

  /** Those of runs that the journal does not have are only counted: another journal may have them (`holdfast doctor` lists them). */
  async #closeEnded(running: Set<string>, quietMs: number): Promise<void> {
    const found = await lookAtWorkflows(this.#deps, running, Date.now() - quietMs);
    const unknown = found.filter((it) => it.journal === NOT_IN_JOURNAL).length;
    if (unknown !== this.#unknown) {
      this.#unknown = unknown;
      this.#deps.log.warn({ count: unknown }, 'workflows of runs that are not in the journal: see `holdfast doctor`');
    }
    for (const it of found) if (it.journal !== NOT_IN_JOURNAL && !this.#closed) await this.#deps.settle.mend(it);
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
    await this.sweep(0, { ask: true });
  }

  async #sweepOnTime(): Promise<void> {
    try {
      await this.sweep(QUIET_MS, { ask: this.#wasAway });
      this.#wasAway = false;
    } catch (error) {
      this.#wasAway ||= isUnreachable(error);
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
      .catch((error: Error) => this.#deps.log.warn({ error: error.message }, `relay: ${what} failed`))
      .finally(() => this.#busy.delete(done));
    this.#busy.add(done);
    return done;
  }
}
