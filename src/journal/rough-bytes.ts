import type { NewEvent } from './run-row.ts';

/** What a value of another kind than text takes, its name or place included. */
const BYTES_A_VALUE = 16;
const BYTES_A_CHARACTER = 2;
const BYTES_OF_A_LEASE = 512;

/** Roughly the memory that plain data takes: what a queue of it is held to. */
export function roughBytes(value: unknown): number {
  if (typeof value === 'string') return BYTES_A_VALUE + value.length * BYTES_A_CHARACTER;
  if (typeof value !== 'object' || value === null) return BYTES_A_VALUE;
  let bytes = BYTES_A_VALUE;
  for (const key in value) bytes += roughBytes((value as Record<string, unknown>)[key]);
  return bytes;
}

/** The same of an append, which is asked for with every chunk of a model: its events, and something for the rest. */
export function appendBytes({ events }: { events: NewEvent[] }): number {
  let bytes = BYTES_OF_A_LEASE;
  for (const { data } of events) bytes += roughBytes(data) + BYTES_A_VALUE;
  return bytes;
}
