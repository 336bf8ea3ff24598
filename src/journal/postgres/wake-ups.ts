/**
 * How the processes on one database tell each other of commits and aborts: NOTIFY after the commit, from one connection, what gathers
 * during one sharing the next. Content is read from the table. A wake-up that was lost is healed by one poll over the runs that are
 * watched here; an abort that was lost by the workflow's own cancel.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { Client, type ClientConfig, type Notification } from 'pg';
import type { Appended, ReadDb, StoredEvent } from '../journal.ts';
import { packWakeUps, unpackWakeUps } from './wake-up-payload.ts';

const CHANNEL = 'holdfast';
/** How late a watched run learns of a commit whose notification was lost. */
export const POLL_MS = 2_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
const END_WITHIN_MS = 1_000;
/** Events of a run that one wake-up brings; where more are missing, its readers read pages. */
const MAX_BROUGHT = 256;
/** Runs that one query asks for. */
const RUNS_AT_A_TIME = 500;

type WakeUpOptions = {
  config: ClientConfig;
  db: ReadDb;
  onAppended: (appended: Appended) => void;
  onAbort: (runId: string) => void;
  onTrouble: (error: unknown, what: string) => void;
};

export class WakeUps {
  readonly #options: WakeUpOptions;
  readonly #watched = new Map<string, Set<() => number>>();
  /** What other processes are still to be told: the newest seq of a run, and runs to abort. */
  readonly #toTell = new Map<string, number>();
  readonly #toAbort = new Set<string>();
  /** What was told by others and is still to be read. */
  readonly #toBring = new Map<string, number>();
  readonly #closing = new AbortController();
  readonly #kept: Promise<void>;
  readonly #timer: NodeJS.Timeout;
  #client: Client | undefined;
  #isTelling = false;
  #isBringing = false;
  #isPolling = false;

  constructor(options: WakeUpOptions) {
    this.#options = options;
    this.#kept = this.#keepConnected();
    this.#timer = setInterval(() => void this.poll(), POLL_MS);
    this.#timer.unref();
  }

  /** Brings the run's new events, whoever commits them; `known` says the newest that the watcher has. */
  watch(runId: string, known: () => number): () => void {
    const watchers = this.#watched.get(runId) ?? new Set();
    this.#watched.set(runId, watchers.add(known));
    return () => {
      watchers.delete(known);
      if (watchers.size === 0) this.#watched.delete(runId);
    };
  }

  /** Tells the other processes of a commit of this one. Nobody is told while there is no connection: their poll finds it. */
  tell({ run_id, last_seq }: Appended): void {
    if (!this.#client) return;
    this.#toTell.set(run_id, Math.max(last_seq, this.#toTell.get(run_id) ?? 0));
    void this.#tellGathered();
  }

  abort(runId: string): void {
    if (!this.#client) return;
    this.#toAbort.add(runId);
    void this.#tellGathered();
  }

  /** Looks whether watched runs have events that nobody told of. */
  async poll(): Promise<void> {
    if (this.#isPolling || this.#watched.size === 0) return;
    this.#isPolling = true;
    try {
      const ids = [...this.#watched.keys()];
      for (let from = 0; from < ids.length; from += RUNS_AT_A_TIME) {
        const rows = await this.#options.db
          .selectFrom('runs')
          .select(['id', 'last_seq'])
          .where('id', 'in', ids.slice(from, from + RUNS_AT_A_TIME))
          .execute();
        for (const { id, last_seq } of rows) this.#wake(id, last_seq);
      }
    } catch (error) {
      this.#options.onTrouble(error, 'watched runs were not looked at');
    } finally {
      this.#isPolling = false;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.#kept;
  }

  async #keepConnected(): Promise<void> {
    const closing = new Promise<void>((resolve) => {
      this.#closing.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    for (let pause = FIRST_PAUSE_MS; !this.#closing.signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const client = new Client(this.#options.config);
      const ended = new Promise<void>((resolve) => {
        client.on('end', resolve);
        client.on('error', (error) => {
          this.#options.onTrouble(error, 'the connection for wake-ups was lost');
          resolve();
        });
      });
      client.on('notification', (notification) => this.#onNotified(client, notification));
      try {
        await Promise.race([client.connect(), closing]);
        if (this.#closing.signal.aborted) return;
        await client.query(`listen ${CHANNEL}`);
        this.#client = client;
        pause = FIRST_PAUSE_MS;
        // What was committed before this connection listened.
        void this.poll();
        await Promise.race([ended, closing]);
      } catch (error) {
        this.#options.onTrouble(error, 'there is no connection for wake-ups');
      } finally {
        this.#client = undefined;
        await this.#end(client);
      }
      await delay(pause, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    }
  }

  /** Ends a connection; one whose network is gone would never say so. */
  async #end(client: Client): Promise<void> {
    const late = delay(END_WITHIN_MS, undefined, { ref: false });
    const ended = client
      .end()
      .catch((error: unknown) => this.#options.onTrouble(error, 'a connection did not end well'));
    await Promise.race([ended, late]);
  }

  async #tellGathered(): Promise<void> {
    const client = this.#client;
    if (this.#isTelling || !client) return;
    this.#isTelling = true;
    try {
      while (this.#toTell.size > 0 || this.#toAbort.size > 0) {
        const payloads = packWakeUps(this.#toTell, this.#toAbort);
        this.#toTell.clear();
        this.#toAbort.clear();
        await client.query('select pg_notify($1, payload) from unnest($2::text[]) as payload', [CHANNEL, payloads]);
      }
    } catch (error) {
      this.#options.onTrouble(error, 'other processes were not told of commits');
      // Whatever ails it, the next connection is a fresh one.
      await this.#end(client);
    } finally {
      this.#isTelling = false;
    }
  }

  #onNotified(client: Client, { channel, payload, processId }: Notification): void {
    const isOwn = processId === (client as Client & { processID?: number }).processID;
    if (channel !== CHANNEL || isOwn) return;
    for (const { run_id, last_seq } of unpackWakeUps(payload ?? '')) {
      if (last_seq === undefined) this.#options.onAbort(run_id);
      else this.#wake(run_id, last_seq);
    }
  }

  #wake(runId: string, lastSeq: number): void {
    if (lastSeq <= this.#knownOf(runId)) return;
    this.#toBring.set(runId, Math.max(lastSeq, this.#toBring.get(runId) ?? 0));
    void this.#bring();
  }

  /** The newest seq that all watchers of a run have; infinite where nobody watches. */
  #knownOf(runId: string): number {
    return Math.min(...[...(this.#watched.get(runId) ?? [])].map((known) => known()));
  }

  async #bring(): Promise<void> {
    if (this.#isBringing) return;
    this.#isBringing = true;
    try {
      while (this.#toBring.size > 0) {
        const woken = [...this.#toBring].slice(0, RUNS_AT_A_TIME);
        for (const [runId] of woken) this.#toBring.delete(runId);
        const missing = woken
          .map(([run_id, last_seq]) => ({ run_id, last_seq, known: this.#knownOf(run_id) }))
          .filter(({ last_seq, known }) => last_seq > known);
        const near = missing.filter(({ last_seq, known }) => last_seq - known <= MAX_BROUGHT);
        const events = near.length > 0 ? await readAfter(this.#options.db, near) : new Map<string, StoredEvent[]>();
        for (const { run_id, last_seq } of missing) {
          const brought = events.get(run_id);
          const newest = brought?.at(-1)?.seq ?? last_seq;
          this.#options.onAppended({ run_id, last_seq: newest, ...(brought ? { events: brought } : {}) });
        }
      }
    } catch (error) {
      this.#options.onTrouble(error, 'events of other processes were not read');
    } finally {
      this.#isBringing = false;
    }
  }
}

/** The events of these runs after what is known of each, by run. */
async function readAfter(db: ReadDb, runs: { run_id: string; known: number }[]): Promise<Map<string, StoredEvent[]>> {
  const ids = runs.map((run) => run.run_id);
  const known = runs.map((run) => run.known);
  const { rows } = await sql<StoredEvent & { run_id: string }>`
    select events.run_id, events.seq, events.type, events.data, events.created_at
    from unnest(${ids}::text[], ${known}::bigint[]) as woken (run_id, known)
    join events on events.run_id = woken.run_id and events.seq > woken.known
    order by events.run_id, events.seq`.execute(db);
  return Map.groupBy(rows, (row) => row.run_id);
}
