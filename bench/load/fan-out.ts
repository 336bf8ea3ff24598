import { eachAtATime } from '../../src/at-a-time.ts';
import { heldBack } from '../../src/held-back.ts';
import { type EventSocket, openEventSocket } from './event-socket.ts';
import type { Jobs } from './jobs.ts';
import { send } from './stream-run.ts';

/** Connections made at a time. */
const CONCURRENCY = 100;
/** A chunk as it begins on the wire, whichever field stands first. A text that holds line feeds is written without them. */
const CHUNK = Buffer.from('\nevent: message.delta\n');

export const fanOut: Jobs['fanOut'] = async ({ path, readers: count, chunks, closing = 0, start, ...target }) => {
  const readers = Array.from({ length: count }, () => new CountingReader(chunks));
  await eachAtATime(readers, CONCURRENCY, (reader) => reader.connect(target));
  for (const reader of readers) reader.ask(path);
  if (start) {
    await Promise.all(readers.map((reader) => reader.heard));
    await send(target, 'POST', start.path, start.body);
  }
  await Promise.all(readers.map((reader) => reader.ended));
  const wrong = readers.filter((reader) => reader.chunks !== chunks + closing);
  if (wrong[0])
    throw new Error(`${wrong.length} readers did not get ${chunks + closing} chunks: one ${wrong[0].chunks}`);
  const first = Math.min(...readers.map((reader) => reader.firstAt));
  return { elapsed: Math.max(...readers.map((reader) => reader.lastAt)) - first };
};

/** Counts chunks, and notes when the first one came and when `enough` had. */
class CountingReader {
  chunks = 0;
  firstAt = Number.NaN;
  lastAt = Number.NaN;
  /** Anything at all: the server has begun its answer. */
  readonly heard: Promise<void>;
  readonly ended: Promise<void>;
  readonly #enough: number;
  readonly #onHeard: () => void;
  readonly #onEnd: (error?: Error) => void;
  /** The last bytes that came, in which a chunk may have begun. */
  #end = Buffer.alloc(0);
  #socket: EventSocket | undefined;

  constructor(enough: number) {
    this.#enough = enough;
    const heard = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    // Both are awaited after others.
    [this.heard, this.ended, this.#onHeard] = [heldBack(heard.promise), heldBack(ended.promise), heard.resolve];
    this.#onEnd = (error) => {
      // Who waits to hear something waits in vain.
      heard.reject(error ?? new Error('a reader got no answer'));
      if (error) ended.reject(error);
      else ended.resolve();
    };
  }

  async connect(target: { url: string; key: string }): Promise<void> {
    this.#socket = await openEventSocket(target, { onBytes: (bytes) => this.#take(bytes), onEnd: this.#onEnd });
  }

  ask(path: string): void {
    this.#socket?.ask(path);
  }

  #take(bytes: Buffer): void {
    this.#onHeard();
    const overlap = CHUNK.length - 1;
    const seam = Buffer.concat([this.#end, bytes.subarray(0, overlap)]);
    const found = countIn(seam) + countIn(bytes);
    this.#end = Buffer.from(bytes.length >= overlap ? bytes.subarray(-overlap) : seam.subarray(-overlap));
    if (found === 0) return;
    const now = performance.now();
    if (this.chunks === 0) this.firstAt = now;
    if (this.chunks < this.#enough) this.lastAt = now;
    this.chunks += found;
  }
}

function countIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(CHUNK); at !== -1; at = bytes.indexOf(CHUNK, at + CHUNK.length)) count++;
  return count;
}
