import type { Selectable } from 'kysely';
import { HoldfastError } from '../../errors.ts';
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

/**
 * Makes the next version of a persona from its newest: fields of `patch` replace the stored ones; of `settings` each that is
 * given, where null takes one away. Errors: `personas.not_found`.
 */
export async function updatePersona(
  trx: Trx,
  args: { org_id: string; once?: Idempotency; key: string; patch: Record<string, unknown> },
  ctx: TransactionContext,
): Promise<Effect<PersonaRecord>> {
  return await once(trx, ctx, args.org_id, args.once, async () => {
    await takeAlone(trx, args.org_id, 'personas');
    const newest = await newestOf(trx, args.org_id, args.key);
    const before = JSON.parse(newest.definition) as Record<string, unknown>;
    const settings = Object.entries({ ...(before.settings as object), ...(args.patch.settings as object) });
    const definition = JSON.stringify({
      ...before,
      ...args.patch,
      settings: Object.fromEntries(settings.filter(([, value]) => value !== null)),
    });
    return await insertPersona(trx, ctx, args.org_id, { key: args.key, definition }, 'api');
  });
}

/**
 * Takes a persona away: a version that says so hides it, and those before stay for the runs that began with them.
 * Errors: `personas.not_found`, `personas.configured` for one that holdfast.yaml defines.
 */
export async function deletePersona(
  trx: Trx,
  args: { org_id: string; key: string },
  ctx: TransactionContext,
): Promise<void> {
  await takeAlone(trx, args.org_id, 'personas');
  await newestOf(trx, args.org_id, args.key);
  const configured = await trx
    .selectFrom('personas')
    .select('version')
    .where('org_id', '=', args.org_id)
    .where('key', '=', args.key)
    .where('source', '=', 'config')
    .limit(1)
    .executeTakeFirst();
  if (configured) {
    const message = `The persona ${args.key} is defined in the server's configuration and cannot be deleted here.`;
    throw new HoldfastError('personas.configured', message);
  }
  await insertPersona(trx, ctx, args.org_id, { key: args.key, definition: DELETED }, 'api');
}

/** The definition of the version that hides a persona; the next version brings it back. */
export const DELETED = 'null';

async function newestOf(trx: Trx, orgId: string, key: string): Promise<PersonaRecord> {
  const newest = await trx
    .selectFrom('personas')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('key', '=', key)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!newest || newest.definition === DELETED) throw new HoldfastError('personas.not_found', `No persona ${key}.`);
  return newest;
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
