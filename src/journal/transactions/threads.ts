import type { Kysely, Selectable } from 'kysely';
import { HoldfastError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import type { Effect, Idempotency } from '../../runs/types.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { insertMessage } from '../messages.ts';
import type { Schema } from '../schema.ts';
import { deleteAliases, insertAlias } from './aliases.ts';
import { busy } from './create-run.ts';
import { once } from './idempotency.ts';
import type { WrittenMessage } from './messages.ts';

export type ThreadRecord = Selectable<Schema['threads']>;

/** What a thread begins with. */
export type WrittenThread = {
  title?: string;
  metadata?: Record<string, string>;
  messages?: WrittenMessage[];
  alias?: string;
};

export function createThread(
  trx: Trx,
  args: WrittenThread & { org_id: string; once?: Idempotency },
  ctx: TransactionContext,
): Promise<Effect<ThreadRecord>> {
  const { org_id } = args;
  return once(trx, ctx, org_id, args.once, async () => {
    const id = await insertThread(trx, ctx, org_id, args);
    const inserted = trx.selectFrom('threads').selectAll().where('id', '=', id).where('org_id', '=', org_id);
    return await inserted.executeTakeFirstOrThrow();
  });
}

/** Returns its id. */
export async function insertThread(
  trx: Trx,
  ctx: TransactionContext,
  orgId: string,
  thread: WrittenThread & { active_run_id?: string },
): Promise<string> {
  const id = newId('thread');
  await trx
    .insertInto('threads')
    .values({
      id,
      org_id: orgId,
      title: thread.title ?? null,
      metadata: JSON.stringify(thread.metadata ?? {}),
      active_run_id: thread.active_run_id ?? null,
      next_position: 0,
      created_at: ctx.now,
      updated_at: ctx.now,
    })
    .execute();
  if (thread.alias !== undefined) {
    await insertAlias(trx, ctx, { org_id: orgId, kind: 'thread', id, alias: thread.alias });
  }
  for (const message of thread.messages ?? []) {
    await insertMessage(trx, ctx, { org_id: orgId, thread_id: id, id: null }, message);
  }
  return id;
}

/**
 * Takes the thread's row for this transaction: it is neither taken, freed nor deleted until the commit. Gives the active run that
 * has it. Errors: `threads.not_found`.
 */
export async function lockThread(trx: Trx, orgId: string, threadId: string): Promise<string | undefined> {
  const thread = await trx
    .updateTable('threads')
    .set((eb) => ({ next_position: eb.ref('next_position') }))
    .where('id', '=', threadId)
    .where('org_id', '=', orgId)
    .returning('active_run_id')
    .executeTakeFirst();
  if (!thread) throw new HoldfastError('threads.not_found', `No thread ${threadId}.`);
  return thread.active_run_id ?? undefined;
}

/** Takes the row of a thread that has no active run. Errors: `threads.not_found`, `threads.busy`. */
export async function lockFreeThread(trx: Trx, orgId: string, threadId: string): Promise<void> {
  const active = await lockThread(trx, orgId, threadId);
  if (active) throw busy(threadId, active);
}

/** Errors: `threads.not_found`. */
export async function updateThread(
  trx: Trx,
  args: { org_id: string; thread_id: string; title?: string | null; metadata?: Record<string, string> },
  ctx: TransactionContext,
): Promise<ThreadRecord> {
  const thread = await trx
    .updateTable('threads')
    .set({
      updated_at: ctx.now,
      ...(args.title === undefined ? {} : { title: args.title }),
      ...(args.metadata === undefined ? {} : { metadata: JSON.stringify(args.metadata) }),
    })
    .where('id', '=', args.thread_id)
    .where('org_id', '=', args.org_id)
    .returningAll()
    .executeTakeFirst();
  if (!thread) throw new HoldfastError('threads.not_found', `No thread ${args.thread_id}.`);
  return thread;
}

/**
 * Deletes a thread that has no active run, with its messages, calls, runs and their aliases. The runs' events, which may be many, are from
 * this commit on unreachable; `purgeDeleted` removes them. Errors: `threads.not_found`, `threads.busy`.
 */
export async function deleteThread(
  trx: Trx,
  args: { org_id: string; thread_id: string },
  _ctx: TransactionContext,
): Promise<void> {
  const { org_id, thread_id } = args;
  await lockFreeThread(trx, org_id, thread_id);
  await refuseAwaited(trx, org_id, thread_id);
  await deleteAliases(trx, org_id, thread_id);
  await trx
    .insertInto('deleted_runs')
    .columns(['run_id'])
    .expression((eb) =>
      eb.selectFrom('runs').select('id').where('thread_id', '=', thread_id).where('org_id', '=', org_id),
    )
    .execute();
  for (const table of ['inputs', 'calls', 'runs', 'messages'] as const) {
    await (trx as Kysely<Schema>)
      .deleteFrom(table)
      .where('thread_id', '=', thread_id)
      .where('org_id', '=', org_id)
      .execute();
  }
  await trx.deleteFrom('threads').where('id', '=', thread_id).where('org_id', '=', org_id).execute();
}

/** A run of the thread has ended, and its parent has not taken its answer yet: it will in a moment. Errors: `threads.busy`. */
async function refuseAwaited(trx: Trx, orgId: string, threadId: string): Promise<void> {
  const child = await trx
    .selectFrom('runs')
    .innerJoin('calls', 'calls.call_id', 'runs.parent_call_id')
    .select(['runs.id', 'runs.parent_run_id'])
    .where('runs.thread_id', '=', threadId)
    .where('runs.org_id', '=', orgId)
    .where('calls.status', '=', 'pending')
    .executeTakeFirst();
  if (!child) return;
  const message = `The run ${child.parent_run_id} has not taken the answer of ${child.id}, a run of thread ${threadId}, yet.`;
  throw new HoldfastError('threads.busy', message, { details: { active_run_id: child.parent_run_id } });
}

/** Removes up to `limit` events of deleted runs; returns how many runs are still to be purged. */
export async function purgeDeleted(trx: Trx, args: { limit: number }, _ctx: TransactionContext): Promise<number> {
  const deleted = await trx.selectFrom('deleted_runs').select('run_id').limit(1).executeTakeFirst();
  if (!deleted) return 0;
  const { run_id } = deleted;
  const last = await trx
    .selectFrom('events')
    .select('seq')
    .where('run_id', '=', run_id)
    .orderBy('seq')
    .limit(1)
    .offset(args.limit)
    .executeTakeFirst();
  const events = trx.deleteFrom('events').where('run_id', '=', run_id);
  await (last ? events.where('seq', '<', last.seq) : events).execute();
  if (!last) {
    await trx.deleteFrom('steps').where('run_id', '=', run_id).execute();
    await trx.deleteFrom('deleted_runs').where('run_id', '=', run_id).execute();
  }
  const left = await trx
    .selectFrom('deleted_runs')
    .select((eb) => eb.fn.countAll<number>().as('runs'))
    .executeTakeFirstOrThrow();
  return Number(left.runs);
}
