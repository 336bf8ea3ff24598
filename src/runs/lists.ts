/** Pages: newest first by id (ids sort by time), one row more than asked to know whether more follow. */
import { type Kysely, type SelectQueryBuilder, sql } from 'kysely';
import { HoldfastError } from '../errors.ts';
import { idAt } from '../ids.ts';
import type { ReadDb } from '../journal/journal.ts';
import { noRun, type RunRecord } from '../journal/run-row.ts';
import type { Schema } from '../journal/schema.ts';
import type { MessageRecord } from '../journal/transactions/messages.ts';
import type { ThreadRecord } from '../journal/transactions/threads.ts';
import { invalidField, unknownCursor } from './invalid-field.ts';
import { rowsThatFit } from './page-bytes.ts';
import type { Page, PageOf, PendingInput, RunFilter } from './types.ts';
import { pendingInput } from './views.ts';

/** A run's id is of its process's clock, its `created_at` of the journal's; they differ by less. */
const CLOCKS_DIFFER_MS = 60 * 60_000;

function pageOf<T>(rows: T[], limit: number): PageOf<T> {
  return { items: rows.slice(0, limit), more: rows.length > limit };
}

/** A cursor is an id that the list itself could show. Errors: `validation.failed`. */
async function checkCursor(
  db: ReadDb,
  table: 'threads' | 'runs' | 'messages' | 'inputs',
  orgId: string,
  cursor: string | undefined,
  name = 'before',
): Promise<void> {
  if (cursor === undefined) return;
  const row = await (db as Kysely<Schema>)
    .selectFrom(table)
    .select('id')
    .where('id', '=', cursor)
    .where('org_id', '=', orgId)
    .executeTakeFirst();
  if (!row) throw unknownCursor(name, cursor);
}

export async function listThreads(db: ReadDb, orgId: string, page: Page): Promise<PageOf<ThreadRecord>> {
  await checkCursor(db, 'threads', orgId, page.before);
  let query = db.selectFrom('threads').selectAll().where('org_id', '=', orgId);
  if (page.before !== undefined) query = query.where('id', '<', page.before);
  return pageOf(
    await query
      .orderBy('id', 'desc')
      .limit(page.limit + 1)
      .execute(),
    page.limit,
  );
}

export async function listRuns(db: ReadDb, orgId: string, filter: RunFilter, page: Page): Promise<PageOf<RunRecord>> {
  await checkCursor(db, 'runs', orgId, page.before);
  if (page.before !== undefined && filter.thread_id !== undefined) {
    const { thread_id } = await findRun(db, orgId, page.before);
    if (thread_id !== filter.thread_id) throw unknownCursor('before', page.before);
  }
  let query = filtered(db.selectFrom('runs').selectAll().where('org_id', '=', orgId), filter);
  query = await ofPersona(db, orgId, query, filter.persona_id);
  const below = firstOf(page.before, filter.until && idAt('run', Date.parse(filter.until) + CLOCKS_DIFFER_MS));
  if (below !== undefined) query = query.where('id', '<', below);
  query = query.orderBy('id', 'desc');
  const limit = await rowsThatFit(query, 'spec', page.limit);
  return pageOf(await query.limit(limit + 1).execute(), limit);
}

function filtered<O>(runs: SelectQueryBuilder<Schema, 'runs', O>, filter: RunFilter) {
  let query = runs;
  for (const column of ['status', 'thread_id', 'model', 'parent_run_id'] as const) {
    const value = filter[column];
    if (value !== undefined) query = query.where(column, '=', value);
  }
  if (filter.since !== undefined) {
    const since = Date.parse(filter.since);
    query = query.where('created_at', '>=', since).where('id', '>=', idAt('run', since - CLOCKS_DIFFER_MS));
  }
  if (filter.until !== undefined) query = query.where('created_at', '<', Date.parse(filter.until));
  return query;
}

const firstOf = (...ids: (string | undefined)[]) =>
  ids
    .filter((id) => id !== undefined)
    .reduce<string | undefined>((a, b) => (a !== undefined && a < b ? a : b), undefined);

/** `key@version`, or `key` alone for the runs of all its versions. */
async function ofPersona<O>(db: ReadDb, orgId: string, runs: SelectQueryBuilder<Schema, 'runs', O>, persona?: string) {
  if (persona === undefined) return runs;
  const versions = persona.includes('@') ? [persona] : await versionsWithRuns(db, orgId, persona);
  const [only] = versions;
  if (versions.length > 1) return runs.where('persona_id', 'in', versions);
  return only === undefined ? runs.where(sql<boolean>`1 = 0`) : runs.where('persona_id', '=', only);
}

/** One step in the index of personas for each version, however many runs it has. */
async function versionsWithRuns(db: ReadDb, orgId: string, key: string): Promise<string[]> {
  const versions: string[] = [];
  for (let after = `${key}@`; ; ) {
    const next = await db
      .selectFrom('runs')
      .select('persona_id')
      .where('org_id', '=', orgId)
      .where('persona_id', '>', after)
      .where('persona_id', '<', `${key}A`)
      .orderBy('persona_id')
      .limit(1)
      .executeTakeFirst();
    if (!next?.persona_id) return versions;
    after = next.persona_id;
    versions.push(after);
  }
}

/** Newest first; with `after` oldest first from there. Errors: `threads.not_found`, `validation.failed`. */
export async function listMessages(
  db: ReadDb,
  orgId: string,
  threadId: string,
  page: Page & { after?: string },
): Promise<PageOf<MessageRecord>> {
  await findThread(db, orgId, threadId);
  if (page.before !== undefined && page.after !== undefined) {
    throw invalidField('after', 'Give either before or after, not both.');
  }
  const cursor = page.before ?? page.after;
  const position =
    cursor === undefined ? undefined : await positionOf(db, orgId, threadId, cursor, page.after ? 'after' : 'before');
  let query = db
    .selectFrom('messages')
    .selectAll()
    .where('thread_id', '=', threadId)
    .where('org_id', '=', orgId)
    .where('listed', '=', 1);
  if (position !== undefined) query = query.where('position', page.after === undefined ? '<' : '>', position);
  query = query.orderBy('position', page.after === undefined ? 'desc' : 'asc');
  const limit = await rowsThatFit(query, 'content', page.limit);
  return pageOf(await query.limit(limit + 1).execute(), limit);
}

async function positionOf(db: ReadDb, orgId: string, threadId: string, id: string, name: string): Promise<number> {
  const row = await db
    .selectFrom('messages')
    .select('position')
    .where('id', '=', id)
    .where('thread_id', '=', threadId)
    .where('org_id', '=', orgId)
    .executeTakeFirst();
  if (!row) throw unknownCursor(name, id);
  return row.position;
}

/** Open requests, oldest first; `before` is then the last one seen, and the page goes on after it. */
export async function listInputs(db: ReadDb, orgId: string, page: Page): Promise<PageOf<PendingInput>> {
  await checkCursor(db, 'inputs', orgId, page.before);
  // The state is said in the statement itself, so that SQLite can use the index of open requests.
  let query = db.selectFrom('inputs').selectAll().where('org_id', '=', orgId).where('state', '=', sql.lit('open'));
  if (page.before !== undefined) query = query.where('id', '>', page.before);
  const rows = await query
    .orderBy('id')
    .limit(page.limit + 1)
    .execute();
  return pageOf(rows.map(pendingInput), page.limit);
}

/** The open requests of a run and of the active runs below it, oldest first; each names the run that is to be answered. */
export async function pendingOf(db: ReadDb, orgId: string, runId: string): Promise<PendingInput[]> {
  const rows = await db
    .withRecursive('below(id)', (query) =>
      query
        .selectFrom('runs')
        .select('runs.id')
        .where('runs.id', '=', runId)
        .where('runs.org_id', '=', orgId)
        .unionAll((union) =>
          union
            .selectFrom('runs')
            .innerJoin('below', 'below.id', 'runs.parent_run_id')
            .select('runs.id')
            .where('runs.org_id', '=', orgId)
            .where('runs.ended', '=', 0),
        ),
    )
    .selectFrom('inputs')
    .innerJoin('below', 'below.id', 'inputs.run_id')
    .selectAll('inputs')
    .where('inputs.org_id', '=', orgId)
    .where('inputs.state', '=', 'open')
    .orderBy('inputs.id')
    .execute();
  return rows.map(pendingInput);
}

/** Errors: `threads.not_found`. */
export async function findThread(db: ReadDb, orgId: string, threadId: string): Promise<ThreadRecord> {
  const thread = await db
    .selectFrom('threads')
    .selectAll()
    .where('id', '=', threadId)
    .where('org_id', '=', orgId)
    .executeTakeFirst();
  if (!thread) throw new HoldfastError('threads.not_found', `No thread ${threadId}.`);
  return thread;
}

/** Errors: `runs.not_found`. */
export async function findRun(db: ReadDb, orgId: string, runId: string): Promise<RunRecord> {
  const run = await db
    .selectFrom('runs')
    .selectAll()
    .where('id', '=', runId)
    .where('org_id', '=', orgId)
    .executeTakeFirst();
  if (!run) throw noRun(runId);
  return run;
}
