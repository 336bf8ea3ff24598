import type { StoredEvent } from '../journal/journal.ts';
import type { RunEvent } from './dialect-types.ts';

/** One event as every reader gets it. `data` is the journal's own text, encoded once when it was stored. */
export function eventFrame(event: StoredEvent): Buffer {
  const at = new Date(event.created_at).toISOString();
  return Buffer.from(
    `id: ${event.seq}\nevent: ${event.type}\ndata: {"seq":${event.seq},"type":"${event.type}","data":${event.data},"created_at":"${at}"}\n\n`,
  );
}

/** One event as a value, for a dialect that says it in its own words. */
export function parseEvent({ seq, type, data, created_at }: StoredEvent): RunEvent {
  return { seq, type, data: JSON.parse(data) as RunEvent['data'], created_at };
}

export const PING_FRAME = Buffer.from(': ping\n\n');

const TERMINAL = new Set(['run.completed', 'run.failed', 'run.cancelled']);
export const isTerminalEvent = (type: string) => TERMINAL.has(type);
