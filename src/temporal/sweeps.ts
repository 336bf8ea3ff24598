/**
 * Sweeps compare active runs with what Temporal knows of them, and its running workflows with the runs. What Temporal says of a run it
 * says by describe; the lists of its visibility store only spare describes, and are asked for sparingly: of thousands of workflows they
 * keep Temporal's server busy for seconds.
 */
import type { Logger } from 'pino';
import { eachAtATime } from '../at-a-time.ts';
import type { Journal } from '../journal/journal.ts';
import { notEnded } from '../journal/not-ended.ts';
import { type Asking, lookAtWorkflows, NOT_IN_JOURNAL } from './agreement.ts';
import type { Engine } from './engine.ts';
import { namespaceIsKnown } from './namespace-identity.ts';
import type { Settle } from './settle.ts';

/** Runs that are compared with Temporal at the same time. */
const SETTLED_AT_A_TIME = 16;
/** Up to this many quiet runs are described without asking the visibility store first. */
const DESCRIBE_ALL = 100;
/** Runs compared in one sweep; the rest have their turn in the next. */
const SWEEP_LIMIT = 20_000;
/** Workflows asked what they wait for when a process begins, or Temporal comes back; an evicted one is replayed for it. */
const ASKED_LIMIT = 1_000;
/** The next list of all running workflows comes after this many times what the last one took: lists take at most a tenth of the time. */
const LIST_PAUSES = 9;
/**
 * Workflows that ended so long before the last sweep are listed once more: visibility is late, clocks differ, and of more runs than one
 * sweep compares each has its turn later.
 */
const ENDED_OVERLAP_MS = 60_000;

type SweepsDeps = {
  journal: Journal;
  engine: Engine;
  settle: Settle;
  log: Logger;
  /** The Temporal server is the local one, started on our data directory. */
  ownServer: boolean;
};

export type SweepOptions = {
  /** The workflows of the latest runs are asked what they wait for, since either side may have been restored from an older copy. */
  ask?: boolean;
  /**
   * The running workflows are not listed when the last list was a short time ago for what it took. Of many runs that wait, only those
   * are then looked at whose workflows were ended from outside since.
   */
  paced?: boolean;
};

type QuietRun = { org_id: string; run_id: string; status: string; temporal_run_id: string | null };

export class Sweeps {
  readonly #deps: SweepsDeps;
  readonly #closing = new AbortController();
  /** Where the next sweep goes on, when one could not look at all runs. */
  #sweptTo = { org_id: '', run_id: '' };
  readonly #asking: Asking = { due: new Set(), agreed: new Map() };
  /** Running workflows without a run, when it was last looked. */
  #unknown = 0;
  /** When the running workflows may be listed again, in the time of `performance.now()`. */
  #nextListAt = 0;
  /** When the last sweep that was done began. */
  #lookedAt = Date.now();

  constructor(deps: SweepsDeps) {
    this.#deps = deps;
  }

  /** What is under way settles no further run, and rejects where it waits for a list. */
  close(): void {
    this.#closing.abort();
  }

  /** Compares the runs that have been quiet for `quietMs` with what Temporal knows, and closes workflows whose runs have ended. */
  async sweep(quietMs: number, { ask = false, paced = false }: SweepOptions = {}): Promise<void> {
    const { journal, engine } = this.#deps;
    const connected = engine.link.current();
    if (!connected) return;
    await namespaceIsKnown(journal, connected, this.#deps.ownServer);
    const began = Date.now();
    const quiet = await this.#quietRuns(began - quietMs);
    if (ask) await this.#askLatest();
    const mayList = !paced || performance.now() >= this.#nextListAt;
    const areMany = quiet.length > DESCRIBE_ALL;
    const running = areMany && mayList ? await this.#listRunning() : undefined;
    const isFine = areMany ? await this.#knownToWait(running) : () => false;
    await this.#settleAll(quiet.filter((run) => !isFine(run)));
    if (mayList) await this.#closeEnded(new Set((running ?? (await this.#listRunning())).keys()), quietMs);
    if (this.#asking.agreed.size > SWEEP_LIMIT) this.#asking.agreed.clear();
    this.#lookedAt = began;
  }

  async #quietRuns(since: number): Promise<QuietRun[]> {
    const quiet = await this.#deps.journal.db
      .selectFrom('runs')
      .select(['org_id', 'id as run_id', 'status', 'temporal_run_id'])
      .where(notEnded)
      .where('queued_input', 'is', null)
      .where('last_event_at', '<=', since)
      // In the order of the index of active runs.
      .where((eb) => eb(eb.refTuple('org_id', 'id'), '>', eb.tuple(this.#sweptTo.org_id, this.#sweptTo.run_id)))
      .orderBy('org_id')
      .orderBy('id')
      .limit(SWEEP_LIMIT)
      .execute();
    const last = quiet.length === SWEEP_LIMIT ? quiet.at(-1) : undefined;
    this.#sweptTo = { org_id: last?.org_id ?? '', run_id: last?.run_id ?? '' };
    return quiet;
  }

  /**
   * Which runs need no describe: those that wait for a person, by workflows that are listed as running, or, without a list of these, that
   * nothing has ended since the last sweep. A run at work that has been quiet for so long may be stuck.
   */
  async #knownToWait(running: Map<string, string> | undefined): Promise<(run: QuietRun) => boolean> {
    const ended = running
      ? undefined
      : await this.#deps.engine.listEnded(this.#lookedAt - ENDED_OVERLAP_MS, this.#closing.signal);
    return ({ run_id, status, temporal_run_id }) => {
      if (status !== 'waiting_for_input' || this.#asking.due.has(run_id)) return false;
      if (ended) return !ended.has(run_id);
      const execution = running?.get(run_id);
      return (
        execution !== undefined && (execution === temporal_run_id || execution === this.#asking.agreed.get(run_id))
      );
    };
  }

  async #listRunning(): Promise<Map<string, string>> {
    const began = performance.now();
    // A sweep that comes while the list is read does not read another.
    this.#nextListAt = Number.POSITIVE_INFINITY;
    try {
      return await this.#deps.engine.listRunning(this.#closing.signal);
    } finally {
      const now = performance.now();
      this.#nextListAt = now + (now - began) * LIST_PAUSES;
    }
  }

  async #settleAll(runs: { org_id: string; run_id: string }[]): Promise<void> {
    await eachAtATime(runs, SETTLED_AT_A_TIME, async (run) => {
      if (!this.#closing.signal.aborted) await this.#deps.settle.run(run, { asking: this.#asking });
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
    for (const it of found)
      if (it.journal !== NOT_IN_JOURNAL && !this.#closing.signal.aborted) await this.#deps.settle.mend(it);
  }
}
