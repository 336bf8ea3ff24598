/** Aliases, the names that dialects with ids of their own give to things. They are made when a thing is, or first seen. */
import type { Journal, ReadDb } from '../journal/journal.ts';
import type { AliasKind, Caller } from './types.ts';

/** What an alias of this organisation names, if it does. */
export async function resolveAlias(
  db: ReadDb,
  orgId: string,
  kind: AliasKind,
  alias: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('aliases')
    .select('id')
    .where('org_id', '=', orgId)
    .where('alias', '=', alias)
    .where('kind', '=', kind)
    .executeTakeFirst();
  return row?.id;
}

/** The aliases of these things by id; those without one are given what `make` makes, for good. */
export async function aliasesOf(
  journal: Journal,
  { org_id }: Caller,
  kind: AliasKind,
  ids: string[],
  make: () => string,
): Promise<ReadonlyMap<string, string>> {
  const known = await journal.db
    .selectFrom('aliases')
    .select(['id', 'alias'])
    .where('org_id', '=', org_id)
    .where('kind', '=', kind)
    .where('id', 'in', ids)
    .execute();
  const aliases = new Map(known.map(({ id, alias }) => [id, alias]));
  const unnamed = [...new Set(ids)].filter((id) => !aliases.has(id));
  if (unnamed.length === 0) return aliases;
  const things = unnamed.map((id) => ({ id, alias: make() }));
  for (const { id, alias } of await journal.write('giveAliases', { org_id, kind, things })) aliases.set(id, alias);
  return aliases;
}
