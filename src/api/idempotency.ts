import { createHash } from 'node:crypto';
import { HoldfastError } from '../errors.ts';
import type { Idempotency } from '../runs/types.ts';
import { invalid } from './validation.ts';

export const MAX_KEY_CHARACTERS = 255;
const IN_PROGRESS_RETRY_S = 1;

/**
 * What makes two POSTs the same one. `key` is the `Idempotency-Key` header, absent: the request is not repeatable.
 * The fingerprint is of the JSON value, so spaces and the order of names do not matter, and no body counts as `{}`.
 * Errors: `validation.failed` for a key that is empty or over 255 characters.
 */
export function idempotencyOf(
  key: string | undefined,
  asked: { method: string; path: string; body: unknown },
): Idempotency | undefined {
  if (key === undefined) return undefined;
  if (key.length === 0 || key.length > MAX_KEY_CHARACTERS) {
    throw invalid([{ path: 'Idempotency-Key', message: `Expected 1 to ${MAX_KEY_CHARACTERS} characters` }]);
  }
  const text = `${asked.method} ${asked.path}\n${canonicalJson(asked.body ?? {})}`;
  return { key, fingerprint: createHash('sha256').update(text).digest('hex') };
}

/** JSON with names in one order. `value` is a parsed, depth-bounded JSON value. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, it: unknown) =>
    typeof it === 'object' && it !== null && !Array.isArray(it)
      ? Object.fromEntries(Object.entries(it).sort(([a], [b]) => (a < b ? -1 : 1)))
      : it,
  );
}

/** The keyed POSTs this process is working on. The core decides between processes; here a repeat is told to wait. */
export class InFlight {
  readonly #keys = new Set<string>();

  /** Runs `work` unless one with the same key and organisation is still running. Errors: `idempotency.in_progress`. */
  async run<T>(orgId: string, once: Idempotency | undefined, work: () => Promise<T>): Promise<T> {
    if (once === undefined) return await work();
    const id = `${orgId}\n${once.key}`;
    if (this.#keys.has(id)) {
      throw new HoldfastError(
        'idempotency.in_progress',
        'The first request with this Idempotency-Key is still running.',
        {
          retryAfterS: IN_PROGRESS_RETRY_S,
        },
      );
    }
    this.#keys.add(id);
    try {
      return await work();
    } finally {
      this.#keys.delete(id);
    }
  }
}
