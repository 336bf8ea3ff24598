import type { Selectable } from 'kysely';
import { newId } from '../../ids.ts';
import type { Scope } from '../../runs/types.ts';
import { takeAlone } from '../exclusive.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import type { Schema } from '../schema.ts';

export type KeyRecord = Selectable<Schema['api_keys']>;

type StoredKey = {
  org_id: string;
  prefix: string;
  hash: string;
  user_id: string | null;
  user_name: string | null;
  user_email: string | null;
  scopes: Scope[];
  expires_at: number | null;
};

/** Stores the first key of an organisation, of however many processes that want to; false where it has one. */
export async function createFirstKey(trx: Trx, args: StoredKey, ctx: TransactionContext): Promise<boolean> {
  await takeAlone(trx, args.org_id, 'first key');
  const known = await trx.selectFrom('api_keys').select('id').where('org_id', '=', args.org_id).executeTakeFirst();
  if (known) return false;
  await createKey(trx, args, ctx);
  return true;
}

/** Stores a key by its hash; the organisation exists from its first key. A prefix that is known already is left as it is. */
export async function createKey(trx: Trx, args: StoredKey, ctx: TransactionContext): Promise<string> {
  await trx
    .insertInto('orgs')
    .values({ id: args.org_id, name: args.org_id, created_at: ctx.now })
    .onConflict((oc) => oc.column('id').doNothing())
    .execute();
  const id = newId('key');
  await trx
    .insertInto('api_keys')
    .values({ id, ...args, scopes: JSON.stringify(args.scopes), created_at: ctx.now, revoked_at: null })
    .onConflict((oc) => oc.column('prefix').doNothing())
    .execute();
  return id;
}

/** Revokes a key by its id; false when there is none or it was revoked before. */
export async function revokeKey(trx: Trx, args: { id: string }, ctx: TransactionContext): Promise<boolean> {
  const revoked = await trx
    .updateTable('api_keys')
    .set({ revoked_at: ctx.now })
    .where('id', '=', args.id)
    .where('revoked_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return revoked !== undefined;
}
