/** Messages of a thread, each at its place in the order that the model sees. */
import { newId } from '../ids.ts';
import type { FinishReason } from '../models/types.ts';
import type { TransactionContext, Trx } from './journal.ts';

/** Adds a message at the end of the thread. `listed: false` keeps a turn that only called tools out of the thread's list. */
export async function insertMessage(
  trx: Trx,
  ctx: TransactionContext,
  run: { org_id: string; thread_id: string; id: string | null },
  message: {
    id?: string;
    role: 'user' | 'assistant';
    content: unknown[];
    status?: 'completed' | 'incomplete';
    listed?: boolean;
    /** When it was written, where that was before. */
    created_at?: number;
    metadata?: Record<string, string>;
    began_at?: number;
    finish_reason?: FinishReason;
  },
): Promise<string> {
  await trx
    .updateTable('threads')
    .set((eb) => ({ next_position: eb('next_position', '+', 1), updated_at: ctx.now }))
    .where('id', '=', run.thread_id)
    .where('org_id', '=', run.org_id)
    .execute();
  const id = message.id ?? newId('msg');
  await trx
    .insertInto('messages')
    .values((eb) => ({
      id,
      org_id: run.org_id,
      thread_id: run.thread_id,
      run_id: run.id,
      position: eb
        .selectFrom('threads')
        .select('next_position')
        .where('id', '=', run.thread_id)
        .where('org_id', '=', run.org_id),
      role: message.role,
      content: JSON.stringify(message.content),
      status: message.status ?? 'completed',
      listed: message.listed === false ? 0 : 1,
      metadata: JSON.stringify(message.metadata ?? {}),
      created_at: message.created_at ?? ctx.now,
      began_at: message.began_at ?? null,
      finish_reason: message.finish_reason ?? null,
    }))
    .execute();
  return id;
}
