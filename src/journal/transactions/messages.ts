import type { Selectable, Updateable } from 'kysely';
import { HoldfastError } from '../../errors.ts';
import type { ContentPart } from '../../models/types.ts';
import type { Effect, Idempotency } from '../../runs/types.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { insertMessage } from '../messages.ts';
import type { Schema } from '../schema.ts';
import { once } from './idempotency.ts';
import { lockFreeThread } from './threads.ts';

export type MessageRecord = Selectable<Schema['messages']>;

/** Which message: of whom, in which thread. */
type MessageRef = { org_id: string; thread_id: string; message_id: string };

/** What a client writes. */
export type WrittenMessage = {
  role: 'user' | 'assistant';
  content: ContentPart[];
  metadata?: Record<string, string>;
};

/** Errors: `threads.not_found`, `threads.busy`. */
export function createMessage(
  trx: Trx,
  args: WrittenMessage & { org_id: string; once?: Idempotency; thread_id: string },
  ctx: TransactionContext,
): Promise<Effect<MessageRecord>> {
  const { org_id, thread_id } = args;
  return once(trx, ctx, org_id, args.once, async () => {
    await lockFreeThread(trx, org_id, thread_id);
    const id = await insertMessage(trx, ctx, { org_id, thread_id, id: null }, args);
    return await trx
      .selectFrom('messages')
      .selectAll()
      .where('id', '=', id)
      .where('org_id', '=', org_id)
      .executeTakeFirstOrThrow();
  });
}

/** Replaces a message's metadata. Errors: `messages.not_found`. */
export async function updateMessage(
  trx: Trx,
  args: MessageRef & { metadata: Record<string, string> },
  _ctx: TransactionContext,
): Promise<void> {
  await changeListed(trx, args, { metadata: JSON.stringify(args.metadata) });
}

/**
 * Takes a message out of its thread, with the calls it made: no list and no later prompt holds it. Its place stays, so that a list
 * whose reader deletes what it reads goes on. While a run is active its prompt stays as it is: a model that no longer saw what it
 * did would do it again. Errors: `messages.not_found`, `threads.busy`.
 */
export async function deleteMessage(trx: Trx, args: MessageRef, _ctx: TransactionContext): Promise<void> {
  await lockFreeThread(trx, args.org_id, args.thread_id);
  await changeListed(trx, args, { listed: -1, content: '[]', metadata: '{}' });
}

/** Errors: `messages.not_found` for one that no list shows. */
async function changeListed(trx: Trx, message: MessageRef, change: Updateable<Schema['messages']>): Promise<void> {
  const changed = await trx
    .updateTable('messages')
    .set(change)
    .where('id', '=', message.message_id)
    .where('thread_id', '=', message.thread_id)
    .where('org_id', '=', message.org_id)
    .where('listed', '=', 1)
    .returning('id')
    .executeTakeFirst();
  if (!changed) throw noMessage(message.message_id);
}

export function noMessage(id: string): HoldfastError {
  return new HoldfastError('messages.not_found', `No message ${id}.`);
}
