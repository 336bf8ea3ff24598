/** A client that outlasts every fault: what was not answered is asked again under the same key, at whichever API answers. */
import { setTimeout as delay } from 'node:timers/promises';
import { isTerminal } from '../../process/reader.ts';
import { isConnectionError } from '../../support/connection-error.ts';
import type { SeenEvent } from '../../support/events.ts';
import { TEST_KEY } from '../../support/run-holdfast.ts';
import type { Random } from '../random.ts';
import { NoStream, readFrames } from './read-frames.ts';

/** A request that was not answered for this long is lost. */
const GIVE_UP_AFTER_MS = 120_000;
/** A frozen API takes connections and says nothing. */
const ATTEMPT_TIMEOUT_MS = 10_000;
const RETRY_MS = { from: 50, to: 500 };

// biome-ignore lint/suspicious/noExplicitAny: the JSON of the contract, read field by field
export type Answer = { status: number; json: any };

/** What a reader was shown of a run, over all its connections. */
export type Shown = { run_id: string; text: string; events: SeenEvent[] };

export type Counts = { requests: number; repeated: number; connections: number; cut: number };

export type FollowOptions = {
  onEvent?: (event: SeenEvent) => void;
  /** The pause after each read: a slow reader. */
  pauseMs?: number;
};

export class ChaosClient {
  readonly counts: Counts = { requests: 0, repeated: 0, connections: 0, cut: 0 };
  readonly #urls: readonly string[];
  readonly #random: Random;
  readonly #open = new Set<AbortController>();

  constructor(urls: readonly string[], random: Random) {
    this.#urls = urls;
    this.#random = random;
  }

  /** Breaks the connections of about this part of the readers. */
  cutReaders(part: number): void {
    for (const reader of this.#open) {
      if (!this.#random.chance(part)) continue;
      this.counts.cut++;
      reader.abort();
    }
  }

  /** An answer that is not "come again later". Throws when none came in time. */
  async send(method: string, path: string, body?: unknown, key?: string): Promise<Answer> {
    const giveUpAt = Date.now() + GIVE_UP_AFTER_MS;
    this.counts.requests++;
    let last = '';
    while (Date.now() < giveUpAt) {
      const answer = await this.#tryOnce(method, path, body, key).catch((error: Error) => {
        if (!isConnectionError(error) && error.name !== 'TimeoutError') throw error;
        last = error.message;
      });
      if (answer && !comesLater(answer)) return answer;
      if (answer) last = JSON.stringify(answer);
      this.counts.repeated++;
      await delay(this.#random.int(RETRY_MS.from, RETRY_MS.to));
    }
    throw new Error(`${method} ${path} was not answered within ${GIVE_UP_AFTER_MS} ms: ${last}`);
  }

  async #tryOnce(method: string, path: string, body?: unknown, key?: string): Promise<Answer> {
    const response = await fetch(this.#random.pick(this.#urls) + path, {
      method,
      headers: {
        authorization: `Bearer ${TEST_KEY}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS),
    });
    const text = await response.text();
    return { status: response.status, json: text === '' ? undefined : JSON.parse(text) };
  }

  /** What is stored of a run now. Throws when it cannot be read in time. */
  async stored(runId: string): Promise<Shown> {
    const giveUpAt = Date.now() + GIVE_UP_AFTER_MS;
    for (;;) {
      const shown: Shown = { run_id: runId, text: '', events: [] };
      const isWhole = await this.#read(shown, { query: '&follow=false' });
      if (isWhole) return shown;
      if (Date.now() > giveUpAt) throw new Error(`the events of ${runId} cannot be read`);
      await delay(RETRY_MS.to);
    }
  }

  /** Reads a run's events to the terminal one, from after the last that was seen whenever a connection ends. Throws on a gap. */
  async follow(runId: string, options: FollowOptions = {}): Promise<Shown> {
    const shown: Shown = { run_id: runId, text: '', events: [] };
    let silentSince = Date.now();
    for (;;) {
      const before = shown.events.length;
      await this.#read(shown, options);
      const last = shown.events.at(-1);
      if (last && isTerminal(last)) return shown;
      if (shown.events.length > before) silentSince = Date.now();
      else if (Date.now() - silentSince > GIVE_UP_AFTER_MS)
        throw new Error(`${runId} stands still after event ${before} (${last?.type})`);
      await delay(this.#random.int(RETRY_MS.from, RETRY_MS.to));
    }
  }

  /** One connection, until it ends in whatever way. False when it broke. */
  async #read(
    shown: Shown,
    { onEvent, pauseMs = 0, query = '' }: FollowOptions & { query?: string },
  ): Promise<boolean> {
    const reader = new AbortController();
    this.#open.add(reader);
    this.counts.connections++;
    try {
      const url = `${this.#random.pick(this.#urls)}/v1/runs/${shown.run_id}/events?after_seq=${shown.events.length}${query}`;
      for await (const frame of readFrames(url, TEST_KEY, reader)) {
        const { seq } = frame.event;
        if (seq !== shown.events.length + 1)
          throw new Error(`${shown.run_id}: event ${seq} came after ${shown.events.length}`);
        shown.text += frame.text;
        shown.events.push(frame.event);
        onEvent?.(frame.event);
        if (pauseMs > 0) await delay(pauseMs);
      }
      return true;
    } catch (error) {
      const isRefused = error instanceof NoStream && comesLater({ status: error.status, json: undefined });
      if (!isRefused && !isConnectionError(error) && !reader.signal.aborted) throw error;
      return false;
    } finally {
      this.#open.delete(reader);
      reader.abort();
    }
  }
}

const comesLater = ({ status, json }: Answer) =>
  status >= 500 || status === 429 || (status === 409 && json?.code === 'idempotency.in_progress');
