/**
 * Readers of runs' events. A reader is a cursor, not a queue: it takes the next frames when its client has taken the last, from
 * the frames in memory that all readers of the run share, or from the journal where it is behind them.
 */
import type { Appended, Journal, StoredEvent } from '../journal/journal.ts';
import type { RunEvent } from './dialect-types.ts';
import { PING_FRAME, parseEvent } from './event-frames.ts';
import { EventPages } from './event-pages.ts';
import { type Frame, frameOf, PAGE_EVENTS, Tail, type TailReader, upTo } from './event-tail.ts';

/** How often silent readers are looked at: a ping at least every 15 s, and the end of those whose key was revoked. */
const TICK_MS = 5_000;
const PING_AFTER_MS = 8_000;

/** What a reader hands on: `ping` when nothing was said for a while. */
type Form<Chunk> = { chunk: (frames: Frame[]) => Chunk; ping: () => Chunk };

const BYTES: Form<Uint8Array> = {
  chunk: (frames) => (frames.length === 1 && frames[0] ? frames[0].bytes : Buffer.concat(frames.map((it) => it.bytes))),
  ping: () => PING_FRAME,
};

/** An empty list is a ping. */
const EVENTS: Form<RunEvent[]> = { chunk: (frames) => frames.map((it) => parseEvent(it.event)), ping: () => [] };

export type ReaderOptions = {
  org_id: string;
  key_id: string;
  run_id: string;
  after_seq: number;
  follow: boolean;
  signal?: AbortSignal;
};

/** What the journal says of the run when its reader opens. */
export type Stored = { last_seq: number; ended: boolean };

class Reader<Chunk> {
  readonly keyId: string;
  #cursor: number;
  #lastSent = Date.now();
  #wake: (() => void) | undefined;
  #closed = false;
  #until = 0;
  #controller: ReadableStreamDefaultController<Chunk> | undefined;
  readonly #options: ReaderOptions;
  readonly #feed: EventFeed;
  readonly #tail: Tail;
  readonly #form: Form<Chunk>;

  constructor(feed: EventFeed, tail: Tail, options: ReaderOptions, form: Form<Chunk>) {
    this.#form = form;
    this.#feed = feed;
    this.#tail = tail;
    this.#options = options;
    this.#cursor = options.after_seq;
    this.keyId = options.key_id;
  }

  /** `until`: the seq where this reader ends, unless the terminal event comes first. */
  open(until: number): ReadableStream<Chunk> {
    this.#until = until;
    const { signal } = this.#options;
    const onAbort = () => this.close();
    return new ReadableStream<Chunk>({
      start: (controller) => {
        this.#controller = controller;
        if (this.#closed) controller.close();
        else if (signal?.aborted) this.close();
        else signal?.addEventListener('abort', onAbort, { once: true });
      },
      pull: () => this.#pull(),
      // The stream has closed itself by then.
      cancel: () => this.close(false),
    });
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  tick(now: number): void {
    const room = (this.#controller?.desiredSize ?? 0) > 0;
    if (!room || this.#closed || now - this.#lastSent < PING_AFTER_MS) return;
    this.#send(this.#form.ping());
  }

  close(stream = true): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#feed.leave(this.#options.run_id, this);
    if (stream) this.#controller?.close();
    this.wake();
  }

  async #pull(): Promise<void> {
    while (!this.#closed) {
      const until = Math.min(this.#tail.lastSeq, this.#until);
      if (this.#cursor >= until) {
        if (this.#cursor >= this.#until) return this.close();
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      const frames = this.#tail.after(this.#cursor) ?? (await this.#read());
      const taken = upTo(frames, until);
      const last = taken.at(-1);
      if (this.#closed) return;
      // Nothing where something was: the thread was deleted under its reader.
      if (!last) return this.close();
      this.#cursor = last.seq;
      this.#send(this.#form.chunk(taken));
      if (last.terminal) this.close();
      return;
    }
  }

  #send(chunk: Chunk): void {
    this.#lastSent = Date.now();
    this.#controller?.enqueue(chunk);
  }

  async #read(): Promise<Frame[]> {
    try {
      return await this.#feed.older(this.#options.org_id, this.#options.run_id, this.#cursor);
    } catch (error) {
      this.#closed = true;
      this.#feed.leave(this.#options.run_id, this);
      throw error;
    }
  }
}

export class EventFeed {
  readonly #journal: Journal;
  readonly #tails = new Map<string, Tail>();
  readonly #pages = new EventPages();
  readonly #stopListening: () => void;
  readonly #ticker: NodeJS.Timeout;

  /** `onTickFailed` is told when the readers' keys could not be looked up; the next tick tries again. */
  constructor(journal: Journal, onTickFailed: (error: unknown) => void) {
    this.#journal = journal;
    this.#stopListening = journal.onAppended((appended) => this.#onAppended(appended));
    this.#ticker = setInterval(() => {
      this.#tick().catch(onTickFailed);
    }, TICK_MS);
    this.#ticker.unref();
  }

  /**
   * A stream of the run's frames after `after_seq`: to the terminal event, or without `follow` to what is stored. `stored` reads
   * what the journal holds; what is appended meanwhile is gathered already, so that nothing falls between the two.
   */
  read(options: ReaderOptions, stored: () => Promise<Stored>): Promise<ReadableStream<Uint8Array>> {
    return this.#open(options, stored, (tail) => new Reader(this, tail, options, BYTES));
  }

  /** The same as values, several events a chunk; an empty chunk keeps a silent stream alive. */
  readEvents(options: ReaderOptions, stored: () => Promise<Stored>): Promise<ReadableStream<RunEvent[]>> {
    return this.#open(options, stored, (tail) => new Reader(this, tail, options, EVENTS));
  }

  async #open<Chunk>(
    options: ReaderOptions,
    stored: () => Promise<Stored>,
    create: (tail: Tail) => Reader<Chunk>,
  ): Promise<ReadableStream<Chunk>> {
    const tail = this.#tails.get(options.run_id) ?? new Tail(this.#journal, options.run_id);
    this.#tails.set(options.run_id, tail);
    const reader = create(tail);
    tail.readers.add(reader);
    try {
      const { last_seq, ended } = await stored();
      tail.know(last_seq);
      // A run that has ended gets nothing more: its reader ends with what is stored.
      return reader.open(options.follow && !ended ? Number.POSITIVE_INFINITY : last_seq);
    } catch (error) {
      this.leave(options.run_id, reader);
      throw error;
    }
  }

  get readers(): number {
    let count = 0;
    for (const tail of this.#tails.values()) count += tail.readers.size;
    return count;
  }

  leave(runId: string, reader: TailReader): void {
    const tail = this.#tails.get(runId);
    tail?.readers.delete(reader);
    if (tail?.readers.size !== 0) return;
    tail.stopWatching();
    this.#tails.delete(runId);
  }

  /** Some frames after `afterSeq`, from the journal; none when there are none, or the run is not the organisation's. */
  older(orgId: string, runId: string, afterSeq: number): Promise<Frame[]> {
    const read = async () => (await this.#page(orgId, runId, afterSeq)).map(frameOf);
    return this.#pages.after({ org_id: orgId, run_id: runId }, afterSeq, read);
  }

  async #page(orgId: string, runId: string, afterSeq: number): Promise<StoredEvent[]> {
    return await this.#journal.db
      .selectFrom('events')
      .innerJoin('runs', 'runs.id', 'events.run_id')
      .select(['events.seq', 'events.type', 'events.data', 'events.created_at'])
      .where('events.run_id', '=', runId)
      .where('runs.org_id', '=', orgId)
      .where('events.seq', '>', afterSeq)
      // Numbers have no gaps. With a limit instead, PostgreSQL may read and sort all that is left of a long run for each page.
      .where('events.seq', '<=', afterSeq + PAGE_EVENTS)
      .orderBy('events.seq')
      .execute();
  }

  close(): void {
    this.#stopListening();
    clearInterval(this.#ticker);
    for (const tail of this.#tails.values()) for (const reader of [...tail.readers]) reader.close();
  }

  #onAppended(appended: Appended): void {
    this.#tails.get(appended.run_id)?.take(appended);
  }

  async #tick(): Promise<void> {
    this.#pages.forget();
    const readers = [...this.#tails.values()].flatMap((tail) => [...tail.readers]);
    if (readers.length === 0) return;
    const keys = [...new Set(readers.map((reader) => reader.keyId))];
    const now = Date.now();
    const valid = await this.#journal.db
      .selectFrom('api_keys')
      .select('id')
      .where('id', 'in', keys)
      .where('revoked_at', 'is', null)
      .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
      .execute();
    const ids = new Set(valid.map((row) => row.id));
    for (const reader of readers) {
      if (ids.has(reader.keyId)) reader.tick(now);
      else reader.close();
    }
  }
}
