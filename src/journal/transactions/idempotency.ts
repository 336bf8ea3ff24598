import { HoldfastError } from '../../errors.ts';
import type { Effect, Idempotency } from '../../runs/types.ts';
import type { TransactionContext, Trx } from '../journal.ts';

/** How long a key answers with its first effect. */
export const IDEMPOTENCY_KEPT_MS = 24 * 60 * 60 * 1000;

/**
 * Runs `effect` once for a key: its value is stored in the effect's own transaction, so that a crash between the two
 * cannot be. The key is taken first: whoever has the same one waits here, and is told of the effect. Errors are not kept.
 * Errors: `idempotency.mismatch` when the key was used for another request.
 */
export async function once<T>(
  trx: Trx,
  ctx: TransactionContext,
  orgId: string,
  key: Idempotency | undefined,
  effect: () => Promise<T>,
): Promise<Effect<T>> {
  if (!key) return { value: await effect(), replayed: false };
  if (!(await takeKey(trx, ctx, orgId, key))) return { value: await known<T>(trx, orgId, key), replayed: true };
  const value = await effect();
  await trx
    .updateTable('idempotency')
    .set({ value: JSON.stringify(value) })
    .where('org_id', '=', orgId)
    .where('key', '=', key.key)
    .execute();
  return { value, replayed: false };
}

/** Takes a key that is new, or whose day is over. False: it has had its effect. */
async function takeKey(trx: Trx, ctx: TransactionContext, orgId: string, key: Idempotency): Promise<boolean> {
  const row = { fingerprint: key.fingerprint, value: '', created_at: ctx.now };
  const taken = await trx
    .insertInto('idempotency')
    .values({ org_id: orgId, key: key.key, ...row })
    .onConflict((oc) =>
      oc
        .columns(['org_id', 'key'])
        .doUpdateSet(row)
        .where('idempotency.created_at', '<=', ctx.now - IDEMPOTENCY_KEPT_MS),
    )
    .returning('key')
    .executeTakeFirst();
  return taken !== undefined;
}

async function known<T>(trx: Trx, orgId: string, key: Idempotency): Promise<T> {
  const { fingerprint, value } = await trx
    .selectFrom('idempotency')
    .select(['fingerprint', 'value'])
    .where('org_id', '=', orgId)
    .where('key', '=', key.key)
    .executeTakeFirstOrThrow();
  if (fingerprint === key.fingerprint) return JSON.parse(value) as T;
  throw new HoldfastError(
    'idempotency.mismatch',
    'This Idempotency-Key was used within the last 24 hours for another method, path or body.',
  );
}

/** Deletes keys that no longer answer; returns how many. */
export async function purgeIdempotency(trx: Trx, args: { limit: number }, ctx: TransactionContext): Promise<number> {
  const before = ctx.now - IDEMPOTENCY_KEPT_MS;
  const old = await trx
    .selectFrom('idempotency')
    .select(['org_id', 'key'])
    .where('created_at', '<', before)
    .orderBy('org_id')
    .orderBy('key')
    .limit(args.limit)
    .execute();
  for (const { org_id, key } of old) {
    // One that was taken for another effect meanwhile is young again.
    const purged = trx.deleteFrom('idempotency').where('org_id', '=', org_id).where('key', '=', key);
    await purged.where('created_at', '<', before).execute();
  }
  return old.length;
}
