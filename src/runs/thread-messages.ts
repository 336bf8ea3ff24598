/** A thread's messages with what is known of the runs that made them. */
import type { ReadDb } from '../journal/journal.ts';
import { noMessage } from '../journal/transactions/messages.ts';
import { boundsOf, readingOrder, toPage } from './cursor-pages.ts';
import type { CursorPage, ThreadMessage } from './dialect-types.ts';
import { unknownCursor } from './invalid-field.ts';
import { findThread } from './lists.ts';
import { rowsThatFit } from './page-bytes.ts';
import type { PageOf, RunStatus } from './types.ts';
import { messageView, timeOf } from './views.ts';

/**
 * Listed messages alone; a cursor may have been deleted since it was read.
 * Errors: `threads.not_found`, `validation.failed` for a cursor of another list.
 */
export async function pageMessages(
  db: ReadDb,
  orgId: string,
  threadId: string,
  page: CursorPage & { run_id?: string },
): Promise<PageOf<ThreadMessage>> {
  await findThread(db, orgId, threadId);
  const placeOf = async (name: 'after' | 'before') => {
    const id = page[name];
    if (id === undefined) return undefined;
    const row = await db
      .selectFrom('messages')
      .select('position')
      .where('id', '=', id)
      .where('thread_id', '=', threadId)
      .where('org_id', '=', orgId)
      .where('listed', '!=', 0)
      .executeTakeFirst();
    if (!row) throw unknownCursor(name, id);
    return row.position;
  };
  let query = listed(db, orgId, threadId);
  // What a run made: the message that it was created with is its user's.
  if (page.run_id !== undefined) {
    query = query.where('messages.run_id', '=', page.run_id).where('messages.role', '=', 'assistant');
  }
  for (const [operator, place] of boundsOf(page, await placeOf('after'), await placeOf('before'))) {
    query = query.where('messages.position', operator, place);
  }
  query = query.orderBy('messages.position', readingOrder(page));
  const limit = await rowsThatFit(query, 'messages.content', page.limit);
  const rows = await query.limit(limit + 1).execute();
  return toPage(rows.map(threadMessage), { ...page, limit });
}

/** Errors: `threads.not_found`, `messages.not_found`. */
export async function findMessage(db: ReadDb, orgId: string, threadId: string, id: string): Promise<ThreadMessage> {
  await findThread(db, orgId, threadId);
  const row = await listed(db, orgId, threadId).where('messages.id', '=', id).executeTakeFirst();
  if (!row) throw noMessage(id);
  return threadMessage(row);
}

function listed(db: ReadDb, orgId: string, threadId: string) {
  return db
    .selectFrom('messages')
    .leftJoin('runs', 'runs.id', 'messages.run_id')
    .selectAll('messages')
    .select(['runs.persona_id', 'runs.status as run_status', 'runs.error_code', 'runs.error_message'])
    .where('messages.thread_id', '=', threadId)
    .where('messages.org_id', '=', orgId)
    .where('messages.listed', '=', 1);
}

type Row = Awaited<ReturnType<ReturnType<typeof listed>['execute']>>[number];

function threadMessage(row: Row): ThreadMessage {
  const { persona_id, run_status, error_code, error_message } = row;
  const error = error_code === null ? null : { code: error_code, message: error_message ?? '' };
  return {
    ...messageView(row),
    began_at: row.began_at === null ? null : timeOf(row.began_at),
    finish_reason: row.finish_reason,
    run: run_status === null ? null : { persona_id, status: run_status as RunStatus, error },
  };
}
