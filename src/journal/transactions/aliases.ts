/** Aliases: the names by which a dialect with ids of its own knows threads, runs and personas. */
import type { Kysely } from 'kysely';
import { HoldfastError } from '../../errors.ts';
import type { AliasKind, Created, RunAlias } from '../../runs/types.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import type { Schema } from '../schema.ts';

type Alias = { org_id: string; kind: AliasKind; id: string; alias: string; fingerprint?: string | null };

/** Names a thing that was just made. */
export async function insertAlias(trx: Trx, ctx: TransactionContext, alias: Alias): Promise<void> {
  await trx.insertInto('aliases').values(rowOf(alias, ctx.now)).execute();
}

/**
 * Names a new run, before anything else of it is written; two creates under one name meet at the unique key, and the later
 * sees what the earlier committed. Gives the run that the same create made before. Errors: `runs.name_taken`.
 */
export async function nameRun(
  trx: Trx,
  ctx: TransactionContext,
  orgId: string,
  run: { id: string; thread_id: string | null },
  { alias, fingerprint }: RunAlias,
): Promise<Created | undefined> {
  const named = await trx
    .insertInto('aliases')
    .values(rowOf({ org_id: orgId, kind: 'run', id: run.id, alias, fingerprint: fingerprint ?? null }, ctx.now))
    .onConflict((oc) => oc.columns(['org_id', 'alias']).doNothing())
    .returning('id')
    .executeTakeFirst();
  if (named) return undefined;
  const taken = await trx
    .selectFrom('aliases')
    .innerJoin('runs', 'runs.id', 'aliases.id')
    .select(['aliases.fingerprint', 'runs.id', 'runs.thread_id', 'runs.trace_id'])
    .where('aliases.org_id', '=', orgId)
    .where('aliases.alias', '=', alias)
    .where('aliases.kind', '=', 'run')
    .where('runs.org_id', '=', orgId)
    .executeTakeFirst();
  const same = taken && taken.fingerprint === fingerprint && (run.thread_id ?? taken.thread_id) === taken.thread_id;
  if (!same) {
    throw new HoldfastError(
      'runs.name_taken',
      `There is another run with the id ${alias}: it was asked for with another body, or on another thread.`,
    );
  }
  return { run_id: taken.id, thread_id: taken.thread_id, trace_id: taken.trace_id };
}

/**
 * Gives aliases to things of the organisation that have none; those that have one keep it. What is not the organisation's gets
 * none.
 */
export async function giveAliases(
  trx: Trx,
  args: { org_id: string; kind: AliasKind; things: { id: string; alias: string }[] },
  ctx: TransactionContext,
): Promise<{ id: string; alias: string }[]> {
  const { org_id, kind } = args;
  const known = await existing(
    trx,
    org_id,
    kind,
    args.things.map(({ id }) => id),
  );
  const things = args.things.filter(({ id }) => known.has(id));
  if (things.length === 0) return [];
  await trx
    .insertInto('aliases')
    .values(things.map(({ id, alias }) => rowOf({ org_id, kind, id, alias }, ctx.now)))
    .onConflict((oc) => oc.columns(['org_id', 'kind', 'id']).doNothing())
    .execute();
  return await trx
    .selectFrom('aliases')
    .select(['id', 'alias'])
    .where('org_id', '=', org_id)
    .where('kind', '=', kind)
    .where(
      'id',
      'in',
      things.map(({ id }) => id),
    )
    .execute();
}

/** Which of these the organisation has. */
async function existing(trx: Trx, orgId: string, kind: AliasKind, ids: string[]): Promise<Set<string>> {
  if (kind === 'persona') {
    const personas = trx.selectFrom('personas').select('key').where('org_id', '=', orgId);
    return new Set((await personas.where('key', 'in', ids).execute()).map(({ key }) => key));
  }
  const rows = await (trx as Kysely<Schema>)
    .selectFrom(`${kind}s` as const)
    .select('id')
    .where('org_id', '=', orgId)
    .where('id', 'in', ids)
    .execute();
  return new Set(rows.map(({ id }) => id));
}

/** Deletes the aliases of a thread and of its runs, while they are still there. */
export async function deleteAliases(trx: Trx, orgId: string, threadId: string): Promise<void> {
  const aliases = trx.deleteFrom('aliases').where('org_id', '=', orgId);
  await aliases
    .where('kind', '=', 'run')
    .where('id', 'in', (eb) =>
      eb.selectFrom('runs').select('id').where('thread_id', '=', threadId).where('org_id', '=', orgId),
    )
    .execute();
  await aliases.where('kind', '=', 'thread').where('id', '=', threadId).execute();
}

const rowOf = (alias: Alias, now: number) => ({ fingerprint: null, ...alias, created_at: now });
