/**
 * How the processes on one database tell each other of commits and aborts: NOTIFY after the commit, from one connection, what gathers
 * during one sharing the next. Content is read from the table. A wake-up that was lost is healed by one poll over the runs that are
 * watched here; an abort that was lost by the workflow's own cancel.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type ClientConfig, type Notification } from 'pg';
import { pause } from '../../pause.ts';
import type { Appended } from '../journal.ts';
import type { WatchedRuns } from '../watched-runs.ts';
import { packWakeUps, unpackWakeUps } from './wake-up-payload.ts';

const CHANNEL = 'holdfast';
/** How late a watched run learns of a commit whose notification was lost. */
export const POLL_MS = 2_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
const END_WITHIN_MS = 1_000;

type WakeUpOptions = {
  config: ClientConfig;
  watched: WatchedRuns;
  onAbort: (runId: string) => void;
  onTrouble: (error: unknown, what: string) => void;
};

export class WakeUps {
  readonly #options: WakeUpOptions;
  /** What other processes are still to be told: the newest seq of a run, and runs to abort. */
  readonly #toTell = new Map<string, number>();
  readonly #toAbort = new Set<string>();
  readonly #closing = new AbortController();
  readonly #kept: Promise<void>;
  readonly #timer: NodeJS.Timeout;
  #client: Client | undefined;
  /** Gives the present connection up. */
  #lose: () => void = () => undefined;
  #isTelling = false;

  constructor(options: WakeUpOptions) {
    this.#options = options;
    this.#kept = this.#keepConnected();
    this.#timer = setInterval(() => void options.watched.poll(), POLL_MS);
    this.#timer.unref();
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

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.#kept;
  }

  async #keepConnected(): Promise<void> {
    const closing = new Promise<void>((resolve) => {
      this.#closing.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    for (let waitMs = FIRST_PAUSE_MS; !this.#closing.signal.aborted; waitMs = Math.min(waitMs * 2, LONGEST_PAUSE_MS)) {
      const client = new Client(this.#options.config);
      const ended = new Promise<void>((resolve) => {
        this.#lose = resolve;
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
        waitMs = FIRST_PAUSE_MS;
        // What was committed before this connection listened.
        void this.#options.watched.poll();
        await Promise.race([ended, closing]);
      } catch (error) {
        this.#options.onTrouble(error, 'there is no connection for wake-ups');
      } finally {
        this.#client = undefined;
        await this.#end(client);
      }
      await pause(waitMs, this.#closing.signal);
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
    // What one commit appended to many runs is told together.
    await Promise.resolve();
    try {
      while (this.#toTell.size > 0 || this.#toAbort.size > 0) {
        const payloads = packWakeUps(this.#toTell, this.#toAbort);
        this.#toTell.clear();
        this.#toAbort.clear();
        await client.query('select pg_notify($1, payload) from unnest($2::text[]) as payload', [CHANNEL, payloads]);
      }
    } catch (error) {
      this.#options.onTrouble(error, 'other processes were not told of commits');
      this.#lose();
    } finally {
      this.#isTelling = false;
    }
  }

  #onNotified(client: Client, { channel, payload, processId }: Notification): void {
    const isOwn = processId === (client as Client & { processID?: number }).processID;
    if (channel !== CHANNEL || isOwn) return;
    for (const { run_id, last_seq } of unpackWakeUps(payload ?? '')) {
      if (last_seq === undefined) this.#options.onAbort(run_id);
      else this.#options.watched.wake(run_id, last_seq);
    }
  }
}
