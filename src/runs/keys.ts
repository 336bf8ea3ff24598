/**
 * API keys. Stored are a lookup prefix and a SHA-256 of the whole token, never the token: it has 160 random bits (or is the
 * operator's own, of 16 characters or more), so that a slow hash would add nothing but latency.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../errors.ts';
import { randomText } from '../ids.ts';
import type { Journal, ReadDb } from '../journal/journal.ts';
import type { KeyRecord } from '../journal/transactions/keys.ts';
import { SharedLookup } from '../shared-lookup.ts';
import type { Caller, Scope } from './types.ts';

/** The organisation of the first key, where nobody named another. */
export const DEFAULT_ORG = 'default';
const PREFIX_LENGTH = 12;
const SECRET_LENGTH = 32;

export type NewKey = {
  org_id: string;
  user_id?: string | null;
  user_name?: string | null;
  user_email?: string | null;
  scopes: Scope[];
  /** Milliseconds since 1970; null: never. */
  expires_at?: number | null;
};

/** Makes a key; the token is shown here and never again. */
export async function createKey(journal: Journal, key: NewKey): Promise<{ id: string; token: string }> {
  const token = newToken();
  return { id: await storeKey(journal, token, key), token };
}

/** Makes the first key of an organisation and gives its token; undefined where it has a key already. */
export async function createFirstKey(journal: Journal, key: NewKey): Promise<string | undefined> {
  const token = newToken();
  return (await journal.write('createFirstKey', storedForm(token, key))) ? token : undefined;
}

const newToken = () => `hf_${randomText(PREFIX_LENGTH)}_${randomText(SECRET_LENGTH)}`;

/** Stores a key whose token the operator chose (`HOLDFAST_API_KEY`); known already, it stays as it is. */
export async function storeKey(journal: Journal, token: string, key: NewKey): Promise<string> {
  return await journal.write('createKey', storedForm(token, key));
}

function storedForm(token: string, key: NewKey) {
  return {
    org_id: key.org_id,
    prefix: lookupPrefix(token),
    hash: hashOf(token),
    user_id: key.user_id ?? null,
    user_name: key.user_name ?? null,
    user_email: key.user_email ?? null,
    scopes: key.scopes,
    expires_at: key.expires_at ?? null,
  };
}

/**
 * Finds the caller behind a token. Errors: `auth.invalid_token`: unknown, expired and revoked are told apart only by the message. The
 * key is read anew for each, so a revoked one is refused at once; requests that come together share a look.
 */
export function openAuthentication(db: ReadDb): (token: string, traceId: string) => Promise<Caller> {
  const looks = new SharedLookup<KeyRecord | undefined>();
  const find = (prefix: string) =>
    looks.get(prefix, () => db.selectFrom('api_keys').selectAll().where('prefix', '=', prefix).executeTakeFirst());
  return async (token, traceId) => {
    const key = await find(lookupPrefix(token));
    const expected = Buffer.from(key?.hash ?? hashOf(''), 'hex');
    const same = timingSafeEqual(Buffer.from(hashOf(token), 'hex'), expected);
    if (!key || !same) throw new HoldfastError('auth.invalid_token', 'This API key is not known.');
    if (key.revoked_at !== null) throw new HoldfastError('auth.invalid_token', 'This API key was revoked.');
    if (key.expires_at !== null && key.expires_at <= Date.now()) {
      throw new HoldfastError('auth.invalid_token', 'This API key has expired.');
    }
    return callerOf(key, traceId);
  };
}

function callerOf(key: KeyRecord, traceId: string): Caller {
  return {
    org_id: key.org_id,
    key_id: key.id,
    scopes: JSON.parse(key.scopes) as Scope[],
    user_id: key.user_id,
    user_name: key.user_name,
    user_email: key.user_email,
    trace_id: traceId,
  };
}

/** Of our own tokens the part made for it; of any other a part of its hash, so that nothing of it is kept readable. */
function lookupPrefix(token: string): string {
  const own = /^(hf_[0-9a-z]{12})_/.exec(token)?.[1];
  return own ?? `sha_${createHash('sha256').update(`lookup:${token}`).digest('hex').slice(0, 16)}`;
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
