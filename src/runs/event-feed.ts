/**
 * Readers of runs' events. A reader is a cursor, not a queue: it takes the next frames when its client has taken the last, from
 * the frames in memory that all readers of the run share, or from the journal where it is behind them.
 */
import type { Appended, Journal, StoredEvent } from '../journal/journal.ts';
import { eventFrame, isTerminalEvent, PING_FRAME } from './event-frames.ts';

/** Frames of a watched run kept in memory; older ones are read from the journal. */
const MAX_TAIL_FRAMES = 1_024;
/** Events that one read from the journal brings, and so the most that one chunk holds. */
const PAGE_EVENTS = 256;
/** Bytes that one chunk holds at most, unless a single event is larger. */
const MAX_CHUNK_BYTES = 262_144;
/** Bytes of a run's frames kept in memory. */
const MAX_TAIL_BYTES = 4 * 1_048_576;
/** How often silent readers are looked at: a ping at least every 15 s, and the end of those whose key was revoked. */
const TICK_MS = 5_000;
const PING_AFTER_MS = 8_000;

type Frame = { seq: number; bytes: Buffer; terminal: boolean };

/** The newest frames of a run that somebody reads: `frames[i]` has seq `firstSeq + i`. */
class Tail {
  frames: Frame[] = [];
  firstSeq = 1;
  /** The newest seq known to be stored; frames may be missing when they came without their content. */
  lastSeq = 0;
  readonly readers = new Set<Reader>();
  readonly stopWatching: () => void;
  #bytes = 0;

  constructor(journal: Journal, runId: string) {
    this.stopWatching = journal.watch(runId, () => this.lastSeq);
  }

  take(appended: Appended): void {
    if (appended.last_seq <= this.lastSeq) return;
    const events = appended.events;
    if (events?.[0]?.seq === this.firstSeq + this.frames.length) {
      for (const event of events) this.#push(frameOf(event));
    } else {
      this.#forget(appended.last_seq);
    }
    this.lastSeq = appended.last_seq;
  }

  #push(frame: Frame): void {
    this.frames.push(frame);
    this.#bytes += frame.bytes.length;
    while (this.frames.length > MAX_TAIL_FRAMES || this.#bytes > MAX_TAIL_BYTES) {
      this.#bytes -= this.frames.shift()?.bytes.length ?? 0;
      this.firstSeq++;
    }
  }

  #forget(lastSeq: number): void {
    this.frames = [];
    this.#bytes = 0;
    this.firstSeq = lastSeq + 1;
  }

  /** Learns what is stored by now. */
  know(lastSeq: number): void {
    if (lastSeq <= this.lastSeq) return;
    this.#forget(lastSeq);
    this.lastSeq = lastSeq;
  }

  /** The frames after `seq`, when they are all in memory. */
  after(seq: number): Frame[] | undefined {
    return seq + 1 >= this.firstSeq
      ? this.frames.slice(seq + 1 - this.firstSeq, seq + 1 - this.firstSeq + PAGE_EVENTS)
      : undefined;
  }
}

const frameOf = (event: StoredEvent): Frame => ({
  seq: event.seq,
  bytes: eventFrame(event),
  terminal: isTerminalEvent(event.type),
});

/** The frames up to `until` that go out as one chunk: bounded in bytes, at least one. */
function upTo(frames: Frame[], until: number): Frame[] {
  let bytes = 0;
  const end = frames.findIndex((frame, i) => {
    bytes += frame.bytes.length;
    return frame.seq > until || (i > 0 && bytes > MAX_CHUNK_BYTES);
  });
  return end === -1 ? frames : frames.slice(0, end);
}

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

class Reader {
  readonly keyId: string;
  #cursor: number;
  #lastSent = Date.now();
  #wake: (() => void) | undefined;
  #closed = false;
  #until = 0;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly #options: ReaderOptions;
  readonly #feed: EventFeed;
  readonly #tail: Tail;

  constructor(feed: EventFeed, tail: Tail, options: ReaderOptions) {
    this.#feed = feed;
    this.#tail = tail;
    this.#options = options;
    this.#cursor = options.after_seq;
    this.keyId = options.key_id;
  }

  /** `until`: the seq where this reader ends, unless the terminal event comes first. */
  open(until: number): ReadableStream<Uint8Array> {
    this.#until = until;
    const { signal } = this.#options;
    const onAbort = () => this.close();
    return new ReadableStream<Uint8Array>({
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
    this.#send(PING_FRAME);
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
      this.#send(taken.length === 1 ? last.bytes : Buffer.concat(taken.map((frame) => frame.bytes)));
      if (last.terminal) this.close();
      return;
    }
  }

  #send(bytes: Uint8Array): void {
    this.#lastSent = Date.now();
    this.#controller?.enqueue(bytes);
  }

  async #read(): Promise<Frame[]> {
    try {
      return (await this.#feed.page(this.#options.org_id, this.#options.run_id, this.#cursor)).map(frameOf);
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
  async read(options: ReaderOptions, stored: () => Promise<Stored>): Promise<ReadableStream<Uint8Array>> {
    const tail = this.#tails.get(options.run_id) ?? new Tail(this.#journal, options.run_id);
    this.#tails.set(options.run_id, tail);
    const reader = new Reader(this, tail, options);
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

  leave(runId: string, reader: Reader): void {
    const tail = this.#tails.get(runId);
    tail?.readers.delete(reader);
    if (tail?.readers.size !== 0) return;
    tail.stopWatching();
    this.#tails.delete(runId);
  }

  async page(orgId: string, runId: string, afterSeq: number): Promise<StoredEvent[]> {
    return await this.#journal.db
      .selectFrom('events')
      .innerJoin('runs', 'runs.id', 'events.run_id')
      .select(['events.seq', 'events.type', 'events.data', 'events.created_at'])
      .where('events.run_id', '=', runId)
      .where('runs.org_id', '=', orgId)
      .where('events.seq', '>', afterSeq)
      .orderBy('events.seq')
      .limit(PAGE_EVENTS)
      .execute();
  }

  close(): void {
    this.#stopListening();
    clearInterval(this.#ticker);
    for (const tail of this.#tails.values()) for (const reader of [...tail.readers]) reader.close();
  }

  #onAppended(appended: Appended): void {
    const tail = this.#tails.get(appended.run_id);
    if (!tail) return;
    tail.take(appended);
    for (const reader of tail.readers) reader.wake();
  }

  async #tick(): Promise<void> {
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
