/** Pages in either order, from an object of the list to the next: how the dialects that name objects as cursors read. */
import type { ReadDb } from '../journal/journal.ts';
import type { RunRecord } from '../journal/run-row.ts';
import { DELETED, type PersonaRecord } from '../journal/transactions/personas.ts';
import type { CursorPage } from './dialect-types.ts';
import { unknownCursor } from './invalid-field.ts';
import { rowsThatFit } from './page-bytes.ts';
import type { PageOf } from './types.ts';

type Order = CursorPage['order'];

const reversed = (order: Order): Order => (order === 'asc' ? 'desc' : 'asc');
/** What lies on the far side of a cursor, in this order. */
const beyond = (order: Order) => (order === 'asc' ? '>' : '<');

/** With `before` alone a page is read backwards from its cursor: it is the one that ends there. */
export const readsBackwards = (page: CursorPage) => page.before !== undefined && page.after === undefined;

/** The order to read rows in, one more than the page holds. */
export const readingOrder = (page: CursorPage): Order => (readsBackwards(page) ? reversed(page.order) : page.order);

/** The comparisons that cursors make with the sorted column, e.g. `['<', 'run_…']`. */
export function boundsOf<T>(page: CursorPage, after: T | undefined, before: T | undefined): ['<' | '>', T][] {
  const bounds: ['<' | '>', T][] = [];
  if (after !== undefined) bounds.push([beyond(page.order), after]);
  if (before !== undefined) bounds.push([beyond(reversed(page.order)), before]);
  return bounds;
}

/** Rows in reading order as the page they are. */
export function toPage<T>(rows: T[], page: CursorPage): PageOf<T> {
  const items = rows.slice(0, page.limit);
  return { items: readsBackwards(page) ? items.reverse() : items, more: rows.length > page.limit };
}

/** Errors: `validation.failed` for a cursor that is no run of this thread. */
export async function pageRuns(
  db: ReadDb,
  orgId: string,
  threadId: string,
  page: CursorPage,
): Promise<PageOf<RunRecord>> {
  const runs = db.selectFrom('runs').where('thread_id', '=', threadId).where('org_id', '=', orgId);
  for (const name of ['after', 'before'] as const) {
    const cursor = page[name];
    if (cursor === undefined) continue;
    const known = await runs.select('id').where('id', '=', cursor).executeTakeFirst();
    if (!known) throw unknownCursor(name, cursor);
  }
  let query = runs.selectAll();
  for (const [operator, id] of boundsOf(page, page.after, page.before)) query = query.where('id', operator, id);
  query = query.orderBy('id', readingOrder(page));
  const limit = await rowsThatFit(query, 'spec', page.limit);
  return toPage(await query.limit(limit + 1).execute(), { ...page, limit });
}

export type DatedRecord = PersonaRecord & { first_created_at: number };

/** The newest version of each persona with the time of its first, by that time. */
export function newestPersonas(db: ReadDb, orgId: string) {
  return db
    .selectFrom('personas')
    .innerJoin('personas as first', (join) =>
      join
        .onRef('first.key', '=', 'personas.key')
        .onRef('first.org_id', '=', 'personas.org_id')
        .on('first.version', '=', 1),
    )
    .selectAll('personas')
    .select('first.created_at as first_created_at')
    .where('personas.org_id', '=', orgId)
    .where('personas.version', '=', (eb) =>
      eb
        .selectFrom('personas as newer')
        .select((e) => e.fn.max('newer.version').as('version'))
        .where('newer.org_id', '=', orgId)
        .whereRef('newer.key', '=', 'personas.key'),
    )
    .where('personas.definition', '!=', DELETED);
}

/** A cursor may have been deleted since it was read. Errors: `validation.failed` for one that never was a persona's key. */
export async function pagePersonas(db: ReadDb, orgId: string, page: CursorPage): Promise<PageOf<DatedRecord>> {
  const placeOf = async (name: 'after' | 'before') => {
    const key = page[name];
    if (key === undefined) return undefined;
    const row = await db
      .selectFrom('personas')
      .select('created_at')
      .where('org_id', '=', orgId)
      .where('key', '=', key)
      .where('version', '=', 1)
      .executeTakeFirst();
    if (!row) throw unknownCursor(name, key);
    return { at: row.created_at, key };
  };
  let query = newestPersonas(db, orgId);
  for (const [operator, place] of boundsOf(page, await placeOf('after'), await placeOf('before'))) {
    query = query.where((eb) =>
      eb.or([
        eb('first.created_at', operator, place.at),
        eb.and([eb('first.created_at', '=', place.at), eb('personas.key', operator, place.key)]),
      ]),
    );
  }
  const order = readingOrder(page);
  query = query.orderBy('first.created_at', order).orderBy('personas.key', order);
  const limit = await rowsThatFit(query, 'personas.definition', page.limit);
  return toPage(await query.limit(limit + 1).execute(), { ...page, limit });
}
