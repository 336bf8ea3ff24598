import type { Selectable } from 'kysely';
import { HoldfastError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import type { ContentPart } from '../../models/types.ts';
import type { Effect, Idempotency } from '../../runs/types.ts';
import { insertMessage } from '../end-run.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import type { Schema } from '../schema.ts';
import { refuseBusy } from './create-run.ts';
import { once } from './idempotency.ts';

export type ThreadRecord = Selectable<Schema['threads']>;
export type MessageRecord = Selectable<Schema['messages']>;

/** Rows deleted by one statement when a thread goes: no transaction holds the writer for long. */
const DELETE_BATCH = 5_000;

export function createThread(
  trx: Trx,
  args: { org_id: string; once?: Idempotency; title?: string; metadata?: Record<string, string> },
  ctx: TransactionContext,
): Promise<Effect<ThreadRecord>> {
  return once(trx, ctx, args.org_id, args.once, () => insertThread(trx, ctx, args.org_id, args));
}

export function insertThread(
  trx: Trx,
  ctx: TransactionContext,
  orgId: string,
  thread: { title?: string; metadata?: Record<string, string> },
): Promise<ThreadRecord> {
  return trx
    .insertInto('threads')
    .values({
      id: newId('thread'),
      org_id: orgId,
      title: thread.title ?? null,
      metadata: JSON.stringify(thread.metadata ?? {}),
      active_run_id: null,
      next_position: 0,
      created_at: ctx.now,
      updated_at: ctx.now,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
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
 * Deletes a thread that has no active run, with its messages, calls, runs and their events. Returns false while rows
 * remain (call again): a thread with many events goes in several transactions, the thread itself in the last.
 * Errors: `threads.not_found`, `threads.busy`.
 */
export async function deleteThread(
  trx: Trx,
  args: { org_id: string; thread_id: string },
  _ctx: TransactionContext,
): Promise<boolean> {
  await refuseBusy(trx, args.org_id, args.thread_id);
  const runs = await trx
    .selectFrom('runs')
    .select('id')
    .where('thread_id', '=', args.thread_id)
    .where('org_id', '=', args.org_id)
    .execute();
  for (const { id } of runs) {
    const events = await trx
      .selectFrom('events')
      .select('seq')
      .where('run_id', '=', id)
      .orderBy('seq')
      .limit(1)
      .offset(DELETE_BATCH)
      .executeTakeFirst();
    if (events) {
      await trx.deleteFrom('events').where('run_id', '=', id).where('seq', '<', events.seq).execute();
      return false;
    }
    await trx.deleteFrom('events').where('run_id', '=', id).execute();
    await trx.deleteFrom('steps').where('run_id', '=', id).execute();
    await trx.deleteFrom('inputs').where('run_id', '=', id).execute();
    await trx.deleteFrom('calls').where('run_id', '=', id).execute();
    await trx.deleteFrom('runs').where('id', '=', id).where('org_id', '=', args.org_id).execute();
  }
  await trx.deleteFrom('messages').where('thread_id', '=', args.thread_id).where('org_id', '=', args.org_id).execute();
  await trx.deleteFrom('threads').where('id', '=', args.thread_id).where('org_id', '=', args.org_id).execute();
  return true;
}

/** Errors: `threads.not_found`, `threads.busy`. */
export function createMessage(
  trx: Trx,
  args: {
    org_id: string;
    once?: Idempotency;
    thread_id: string;
    role: 'user' | 'assistant';
    content: ContentPart[];
  },
  ctx: TransactionContext,
): Promise<Effect<MessageRecord>> {
  return once(trx, ctx, args.org_id, args.once, async () => {
    await refuseBusy(trx, args.org_id, args.thread_id);
    const id = await insertMessage(trx, ctx, { org_id: args.org_id, thread_id: args.thread_id, id: null }, args);
    return trx
      .selectFrom('messages')
      .selectAll()
      .where('id', '=', id)
      .where('org_id', '=', args.org_id)
      .executeTakeFirstOrThrow();
  });
}
