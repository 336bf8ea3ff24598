/**
 * What `retention_days` takes away, in transactions of bounded size: runs that ended before a time, with everything of theirs but
 * the messages of their thread, and threads that nothing has happened in since. These look at every organisation's.
 */
import { type Kysely, sql } from 'kysely';
import type { TransactionContext, Trx } from '../journal.ts';
import type { Schema } from '../schema.ts';

/** `before`: milliseconds since 1970. `limit`: rows that one transaction deletes at most, as far as they may be many. */
type Purge = { before: number; limit: number };

/** Runs or threads that one transaction looks at. */
export const PURGED_AT_A_TIME = 100;

type OldRun = { id: string; org_id: string; thread_id: string };

/**
 * Deletes runs that ended before a time, oldest first; a run with more calls than one transaction deletes goes in several. Kept are
 * runs with a parent or a child that has not ended, and those of a thread with an active run, whose model sees what they did.
 * Events and steps are from this commit on unreachable; `purgeDeleted` removes them. Returns how many runs went, and whether
 * there may be more.
 */
export async function purgeRuns(
  trx: Trx,
  args: Purge,
  _ctx: TransactionContext,
): Promise<{ runs: number; more: boolean }> {
  const old = await oldRuns(trx, args.before);
  let left = args.limit;
  let runs = 0;
  // In one order for all, so that two processes that purge do not wait for each other.
  for (const run of old.toSorted((a, b) => (a.thread_id < b.thread_id ? -1 : 1))) {
    if (left <= 0) return { runs, more: true };
    if (!(await takeFreeThread(trx, run))) continue;
    left -= await deleteCalls(trx, run, left);
    if (left > 0) left -= await deleteInputs(trx, run, left);
    if (left <= 0) return { runs, more: true };
    await deleteRun(trx, run);
    runs++;
  }
  return { runs, more: runs > 0 && old.length === PURGED_AT_A_TIME };
}

/** When a run ended, written as its index has it. */
export const endedAt = sql<number>`coalesce(runs.completed_at, runs.failed_at, runs.cancelled_at)`;

function oldRuns(trx: Trx, before: number): Promise<OldRun[]> {
  return trx
    .selectFrom('runs')
    .select(['id', 'org_id', 'thread_id'])
    .where(sql.ref('ended'), '=', sql.lit(1))
    .where(endedAt, '<', before)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('runs as other')
            .select('other.id')
            .whereRef('other.id', '=', 'runs.parent_run_id')
            .where('other.ended', '=', 0),
        ),
      ),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('runs as child')
            .select('child.id')
            .whereRef('child.parent_run_id', '=', 'runs.id')
            .where('child.ended', '=', 0),
        ),
      ),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('threads')
            .select('threads.id')
            .whereRef('threads.id', '=', 'runs.thread_id')
            .where('threads.active_run_id', 'is not', null),
        ),
      ),
    )
    .orderBy(endedAt)
    .limit(PURGED_AT_A_TIME)
    .execute();
}

/** Takes the run's thread, so that no run begins in it until the commit. False: one has. */
async function takeFreeThread(trx: Trx, run: OldRun): Promise<boolean> {
  const taken = await trx
    .updateTable('threads')
    .set((eb) => ({ next_position: eb.ref('next_position') }))
    .where('id', '=', run.thread_id)
    .where('org_id', '=', run.org_id)
    .where('active_run_id', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return taken !== undefined;
}

/** Deletes calls of the run, and the messages that were nothing but their calls: a prompt has a call whole or not at all. */
async function deleteCalls(trx: Trx, run: OldRun, limit: number): Promise<number> {
  const calls = await trx
    .selectFrom('calls')
    .select(['call_id', 'message_id'])
    .where('run_id', '=', run.id)
    .where('org_id', '=', run.org_id)
    .orderBy('turn')
    .orderBy('idx')
    .limit(limit)
    .execute();
  if (calls.length === 0) return 0;
  const messages = [...new Set(calls.map((call) => call.message_id))];
  await trx
    .deleteFrom('messages')
    .where('id', 'in', messages)
    .where('org_id', '=', run.org_id)
    .where('listed', '=', 0)
    .execute();
  const ids = calls.map((call) => call.call_id);
  await trx.deleteFrom('calls').where('call_id', 'in', ids).where('org_id', '=', run.org_id).execute();
  return calls.length;
}

async function deleteInputs(trx: Trx, run: OldRun, limit: number): Promise<number> {
  const inputs = await trx
    .selectFrom('inputs')
    .select('id')
    .where('run_id', '=', run.id)
    .where('org_id', '=', run.org_id)
    .limit(limit)
    .execute();
  if (inputs.length === 0) return 0;
  const ids = inputs.map((input) => input.id);
  await trx.deleteFrom('inputs').where('id', 'in', ids).where('org_id', '=', run.org_id).execute();
  return inputs.length;
}

async function deleteRun(trx: Trx, run: OldRun): Promise<void> {
  for (const table of ['run_messages', 'outbox'] as const) {
    await (trx as Kysely<Schema>)
      .deleteFrom(table)
      .where('run_id', '=', run.id)
      .where('org_id', '=', run.org_id)
      .execute();
  }
  await deleteAlias(trx, 'run', run);
  await trx
    .insertInto('deleted_runs')
    .values({ run_id: run.id })
    .onConflict((oc) => oc.doNothing())
    .execute();
  await trx.deleteFrom('runs').where('id', '=', run.id).where('org_id', '=', run.org_id).execute();
}

async function deleteAlias(trx: Trx, kind: 'run' | 'thread', of: { id: string; org_id: string }): Promise<void> {
  await trx
    .deleteFrom('aliases')
    .where('org_id', '=', of.org_id)
    .where('kind', '=', kind)
    .where('id', '=', of.id)
    .execute();
}

/**
 * Deletes threads without runs in which nothing has happened since a time. Their messages are from this commit on unreachable;
 * `purgeDeletedThreads` removes them. Returns how many went.
 */
export async function purgeThreads(trx: Trx, args: Pick<Purge, 'before'>, _ctx: TransactionContext): Promise<number> {
  const old = await emptyThreads(trx).where('updated_at', '<', args.before).orderBy('updated_at').execute();
  let threads = 0;
  for (const thread of old.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    // Asked again with the row taken: a run may have begun.
    const deleted = await trx
      .deleteFrom('threads')
      .where('id', '=', thread.id)
      .where('org_id', '=', thread.org_id)
      .where('updated_at', '<', args.before)
      .where('active_run_id', 'is', null)
      .returning('id')
      .executeTakeFirst();
    if (!deleted) continue;
    await deleteAlias(trx, 'thread', thread);
    await trx.insertInto('deleted_threads').values({ thread_id: thread.id }).execute();
    threads++;
  }
  return threads;
}

function emptyThreads(trx: Trx) {
  return trx
    .selectFrom('threads')
    .select(['id', 'org_id'])
    .where('active_run_id', 'is', null)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('runs').select('runs.id').whereRef('runs.thread_id', '=', 'threads.id'))),
    )
    .limit(PURGED_AT_A_TIME);
}

/** Removes up to `limit` messages of a deleted thread; returns how many threads are still to be purged. */
export async function purgeDeletedThreads(
  trx: Trx,
  args: Pick<Purge, 'limit'>,
  _ctx: TransactionContext,
): Promise<number> {
  const deleted = await trx.selectFrom('deleted_threads').select('thread_id').limit(1).executeTakeFirst();
  if (!deleted) return 0;
  const { thread_id } = deleted;
  const messages = await trx
    .selectFrom('messages')
    .select('id')
    .where('thread_id', '=', thread_id)
    .orderBy('position')
    .limit(args.limit)
    .execute();
  const ids = messages.map((message) => message.id);
  if (ids.length > 0) await trx.deleteFrom('messages').where('id', 'in', ids).execute();
  if (ids.length < args.limit) await trx.deleteFrom('deleted_threads').where('thread_id', '=', thread_id).execute();
  const left = await trx
    .selectFrom('deleted_threads')
    .select((eb) => eb.fn.countAll<number>().as('threads'))
    .executeTakeFirstOrThrow();
  return Number(left.threads);
}
