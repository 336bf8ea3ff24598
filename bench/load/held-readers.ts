/** Readers that are held for a while on runs that go on, and what each of them has seen. */
import { eachAtATime } from '../../src/at-a-time.ts';
import { heldBack } from '../../src/held-back.ts';
import { type EventSocket, openEventSocket } from './event-socket.ts';
import type { Jobs } from './jobs.ts';
import { send, type Target } from './stream-run.ts';

/** Readers that are attached at a time. */
const CONCURRENCY = 100;
/** How long it may take until all readers have heard of their run. */
const ATTACH_MS = 60_000;
/** How long the end of all runs may take to reach all readers. */
const END_MS = 60_000;
const SEQ = /^id: (\d+)$/gm;

const held: HeldReader[] = [];

export const begin: Jobs['begin'] = async ({ count, body, ...target }) => {
  const runIds: string[] = [];
  for (let i = 0; i < count; i++) {
    runIds.push((JSON.parse(await send(target, 'POST', '/v1/runs', body)) as { run_id: string }).run_id);
  }
  return { runIds };
};

export const hold: Jobs['hold'] = async ({ runIds, readers: count, ...target }) => {
  const readers = Array.from({ length: count }, (_, i) => new HeldReader(runIds[i % runIds.length] ?? ''));
  held.push(...readers);
  const attached = eachAtATime(readers, CONCURRENCY, (reader) => reader.attach(target));
  await within(ATTACH_MS, attached, 'event');
};

export const letGo: Jobs['letGo'] = async () => {
  const readers = held.splice(0);
  for (const reader of readers) reader.cut();
  await Promise.all(readers.map((reader) => reader.ended));
};

export const heldNow: Jobs['heldNow'] = async () => {
  const now = performance.now();
  const open = held.filter((reader) => reader.isOpen);
  return { open: open.length, longestSilence: Math.max(...open.map((reader) => reader.longestSilence(now))) };
};

export const endHeld: Jobs['endHeld'] = async ({ runIds, ...target }) => {
  await Promise.all(runIds.map((runId) => send(target, 'POST', `/v1/runs/${runId}:cancel`)));
  const readers = held.splice(0);
  await within(END_MS, Promise.all(readers.map((reader) => reader.ended)), 'end');
  const lastSeqs = new Map<string, number>();
  for (const runId of runIds) {
    lastSeqs.set(runId, (JSON.parse(await send(target, 'GET', `/v1/runs/${runId}`)) as { last_seq: number }).last_seq);
  }
  const missedBy = ({ runId, missed, lastSeq }: HeldReader) => missed + (lastSeqs.get(runId) ?? Number.NaN) - lastSeq;
  return {
    seen: readers.reduce((sum, reader) => sum + reader.seen, 0),
    missed: readers.reduce((sum, reader) => sum + missedBy(reader), 0),
  };
};

async function within(ms: number, work: Promise<unknown>, what: string): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`some readers had no ${what} within ${ms} ms`)), ms);
  await Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}

class HeldReader {
  readonly runId: string;
  isOpen = false;
  seen = 0;
  lastSeq = 0;
  /** Events between two that were seen. */
  missed = 0;
  readonly ended: Promise<void>;
  readonly #onEnd: () => void;
  #rest = '';
  #lastHeard = 0;
  #longestSilence = 0;
  #socket: EventSocket | undefined;

  constructor(runId: string) {
    const { promise, resolve } = Promise.withResolvers<void>();
    [this.runId, this.ended, this.#onEnd] = [runId, promise, resolve];
  }

  /** Resolves when the run's first event has come. */
  async attach(target: Target): Promise<void> {
    const heard = Promise.withResolvers<void>();
    // Nobody waits for it when the connection is refused.
    const isHeard = heldBack(heard.promise);
    this.#socket = await openEventSocket(target, {
      onBytes: (bytes) => {
        this.#take(bytes);
        if (this.seen > 0) heard.resolve();
      },
      onEnd: (error) => {
        this.isOpen = false;
        heard.reject(error ?? new Error('a reader got no event'));
        this.#onEnd();
      },
    });
    this.isOpen = true;
    this.#lastHeard = performance.now();
    this.#socket.ask(`/v1/runs/${this.runId}/events`);
    await isHeard;
  }

  cut(): void {
    this.#socket?.cut();
  }

  longestSilence(now: number): number {
    return Math.max(this.#longestSilence, now - this.#lastHeard);
  }

  #take(bytes: Buffer): void {
    const now = performance.now();
    this.#longestSilence = this.longestSilence(now);
    this.#lastHeard = now;
    const text = this.#rest + bytes.toString('latin1');
    const end = text.lastIndexOf('\n\n') + 2;
    // Without a whole frame everything is kept: lastIndexOf gave -1.
    if (end === 1) {
      this.#rest = text;
      return;
    }
    this.#rest = text.slice(end);
    for (const [, seq] of text.slice(0, end).matchAll(SEQ)) this.#see(Number(seq));
  }

  #see(seq: number): void {
    this.seen++;
    this.missed += Math.abs(seq - this.lastSeq - 1);
    this.lastSeq = seq;
  }
}
