/**
 * Ids are opaque to clients: a prefix, then 29 characters of Crockford base 32: 50 bits of milliseconds, 15 bits of a
 * counter within the millisecond (so that ids of one process sort in the order they were made), 80 random bits.
 */
import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const COUNTER_LIMIT = 32 ** 3;
/** The last time that an id can tell. */
const END_OF_TIME = 32 ** 10 - 1;

export type IdPrefix = 'asst' | 'run' | 'thread' | 'msg' | 'input' | 'call' | 'key' | 'org' | 'out';

let lastMs = 0;
let counter = 0;

/** A fresh id, time-sortable and unguessable. */
export function newId(prefix: IdPrefix): string {
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    counter = 0;
  } else if (++counter === COUNTER_LIMIT) {
    lastMs += 1;
    counter = 0;
  }
  return `${prefix}_${encode(lastMs, 10)}${encode(counter, 3)}${randomText(16)}`;
}

/** Sorts before the ids of its kind that were made at `ms` or later, and after all others. */
export function idAt(prefix: IdPrefix, ms: number): string {
  return `${prefix}_${encode(Math.min(Math.max(0, ms), END_OF_TIME), 10)}`;
}

const TOKEN_LENGTH = 20;

/** The token of a lease, which nobody else has. */
export const newLeaseToken = (): string => randomText(TOKEN_LENGTH);

/** `length` random characters of 5 bits each: lease tokens, the secret part of keys. */
export function randomText(length: number): string {
  let text = '';
  for (const byte of randomBytes(length)) text += ALPHABET[byte & 31];
  return text;
}

function encode(value: number, length: number): string {
  let text = '';
  let rest = value;
  for (let i = 0; i < length; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
