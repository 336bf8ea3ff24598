/** The newest events of a run that somebody reads, as frames in memory that its readers share. */
import type { Appended, Journal, StoredEvent } from '../journal/journal.ts';
import { eventFrame, isTerminalEvent } from './event-frames.ts';

/** Frames of a watched run kept in memory; older ones are read from the journal. */
const MAX_TAIL_FRAMES = 1_024;
/** Events that one read from the journal brings, and so the most that one chunk holds. */
export const PAGE_EVENTS = 256;
/** Bytes that one chunk holds at most, unless a single event is larger. */
const MAX_CHUNK_BYTES = 65_536;
/** Bytes of a run's frames kept in memory. */
const MAX_TAIL_BYTES = 4 * 1_048_576;

/** An event, and the bytes that every reader of SSE gets of it. */
export type Frame = { seq: number; event: StoredEvent; bytes: Buffer; terminal: boolean };

/** A reader as the feed sees it, whatever it hands on. */
export type TailReader = { keyId: string; wake(): void; tick(now: number): void; close(): void };

/** `frames[i]` has seq `firstSeq + i`. */
export class Tail {
  frames: Frame[] = [];
  firstSeq = 1;
  /** The newest seq known to be stored; frames may be missing when they came without their content. */
  lastSeq = 0;
  readonly readers = new Set<TailReader>();
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
    this.#moveTo(appended.last_seq);
  }

  /** Whoever told of these events, another may tell of them later and find them known: readers are woken here. */
  #moveTo(lastSeq: number): void {
    this.lastSeq = lastSeq;
    for (const reader of this.readers) reader.wake();
  }

  #push(frame: Frame): void {
    this.frames.push(frame);
    this.#bytes += heldBytes(frame);
    while (this.frames.length > MAX_TAIL_FRAMES || this.#bytes > MAX_TAIL_BYTES) {
      const oldest = this.frames.shift();
      if (oldest) this.#bytes -= heldBytes(oldest);
      this.firstSeq++;
    }
  }

  #forget(lastSeq: number): void {
    this.frames = [];
    this.#bytes = 0;
    this.firstSeq = lastSeq + 1;
  }

  /** Learns what is stored by now, as a reader that comes finds it. */
  know(lastSeq: number): void {
    if (lastSeq <= this.lastSeq) return;
    this.#forget(lastSeq);
    this.#moveTo(lastSeq);
  }

  /** The frames after `seq`, when they are all in memory. */
  after(seq: number): Frame[] | undefined {
    return seq + 1 >= this.firstSeq
      ? this.frames.slice(seq + 1 - this.firstSeq, seq + 1 - this.firstSeq + PAGE_EVENTS)
      : undefined;
  }
}

/** The text of its data is held beside the frame made of it. */
export const heldBytes = ({ bytes, event }: Frame) => bytes.length + event.data.length;

export const frameOf = (event: StoredEvent): Frame => ({
  seq: event.seq,
  event,
  bytes: eventFrame(event),
  terminal: isTerminalEvent(event.type),
});

/** The frames up to `until` that go out as one chunk: bounded in bytes, at least one. */
export function upTo(frames: Frame[], until: number): Frame[] {
  let bytes = 0;
  const end = frames.findIndex((frame, i) => {
    bytes += frame.bytes.length;
    return frame.seq > until || (i > 0 && bytes > MAX_CHUNK_BYTES);
  });
  return end === -1 ? frames : frames.slice(0, end);
}
