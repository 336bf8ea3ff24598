import type { StoredEvent } from '../journal/journal.ts';

/** One event as every reader gets it. `data` is the journal's own text, encoded once when it was stored. */
export function eventFrame(event: StoredEvent): Buffer {
  const at = new Date(event.created_at).toISOString();
  return Buffer.from(
    `id: ${event.seq}\nevent: ${event.type}\ndata: {"seq":${event.seq},"type":"${event.type}","data":${event.data},"created_at":"${at}"}\n\n`,
  );
}

export const PING_FRAME = Buffer.from(': ping\n\n');

const TERMINAL = new Set(['run.completed', 'run.failed', 'run.cancelled']);
export const isTerminalEvent = (type: string) => TERMINAL.has(type);
