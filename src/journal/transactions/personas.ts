import type { Selectable } from 'kysely';
import type { Effect, Idempotency } from '../../runs/types.ts';
import { takeAlone } from '../exclusive.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import type { Schema } from '../schema.ts';
import { once } from './idempotency.ts';

export type PersonaRecord = Selectable<Schema['personas']>;

/** Makes the next version of a persona. `definition` is the stored JSON, without its version. */
export function createPersona(
  trx: Trx,
  args: { org_id: string; once?: Idempotency; key: string; definition: string },
  ctx: TransactionContext,
): Promise<Effect<PersonaRecord>> {
  return once(trx, ctx, args.org_id, args.once, async () => {
    await takeAlone(trx, args.org_id, 'personas');
    return await insertPersona(trx, ctx, args.org_id, args, 'api');
  });
}

/** Brings an organisation's personas to what the configuration says: one that changed there gets its next version. */
export async function syncPersonas(
  trx: Trx,
  args: { org_id: string; personas: { key: string; definition: string }[] },
  ctx: TransactionContext,
): Promise<void> {
  await takeAlone(trx, args.org_id, 'personas');
  for (const persona of args.personas) {
    const last = await trx
      .selectFrom('personas')
      .select('definition')
      .where('org_id', '=', args.org_id)
      .where('key', '=', persona.key)
      .where('source', '=', 'config')
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (last?.definition !== persona.definition) await insertPersona(trx, ctx, args.org_id, persona, 'config');
  }
}

async function insertPersona(
  trx: Trx,
  ctx: TransactionContext,
  orgId: string,
  persona: { key: string; definition: string },
  source: 'config' | 'api',
): Promise<PersonaRecord> {
  const newest = await trx
    .selectFrom('personas')
    .select('version')
    .where('org_id', '=', orgId)
    .where('key', '=', persona.key)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return trx
    .insertInto('personas')
    .values({
      org_id: orgId,
      key: persona.key,
      version: (newest?.version ?? 0) + 1,
      source,
      definition: persona.definition,
      created_at: ctx.now,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}
