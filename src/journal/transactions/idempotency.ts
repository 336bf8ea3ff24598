import { HoldfastError } from '../../errors.ts';
import type { Effect, Idempotency } from '../../runs/types.ts';
import type { TransactionContext, Trx } from '../journal.ts';

/** How long a key answers with its first effect. */
export const IDEMPOTENCY_KEPT_MS = 24 * 60 * 60 * 1000;

/**
 * Runs `effect` once for a key: its value is stored in the effect's own transaction, so that a crash between the two
 * cannot be. Errors are not kept. Errors: `idempotency.mismatch` when the key was used for another request.
 */
export async function once<T>(
  trx: Trx,
  ctx: TransactionContext,
  orgId: string,
  key: Idempotency | undefined,
  effect: () => Promise<T>,
): Promise<Effect<T>> {
  if (!key) return { value: await effect(), replayed: false };
  const known = await trx
    .selectFrom('idempotency')
    .select(['fingerprint', 'value', 'created_at'])
    .where('org_id', '=', orgId)
    .where('key', '=', key.key)
    .executeTakeFirst();
  if (known && known.created_at > ctx.now - IDEMPOTENCY_KEPT_MS) {
    if (known.fingerprint !== key.fingerprint) {
      throw new HoldfastError(
        'idempotency.mismatch',
        'This Idempotency-Key was used within the last 24 hours for another method, path or body.',
      );
    }
    return { value: JSON.parse(known.value) as T, replayed: true };
  }
  const value = await effect();
  const row = { fingerprint: key.fingerprint, value: JSON.stringify(value), created_at: ctx.now };
  await trx
    .insertInto('idempotency')
    .values({ org_id: orgId, key: key.key, ...row })
    .onConflict((oc) => oc.columns(['org_id', 'key']).doUpdateSet(row))
    .execute();
  return { value, replayed: false };
}

/** Deletes keys that no longer answer; returns how many. */
export async function purgeIdempotency(trx: Trx, args: { limit: number }, ctx: TransactionContext): Promise<number> {
  const old = await trx
    .selectFrom('idempotency')
    .select(['org_id', 'key'])
    .where('created_at', '<', ctx.now - IDEMPOTENCY_KEPT_MS)
    .limit(args.limit)
    .execute();
  for (const row of old) {
    await trx.deleteFrom('idempotency').where('org_id', '=', row.org_id).where('key', '=', row.key).execute();
  }
  return old.length;
}
