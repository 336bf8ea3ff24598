import { HoldfastError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import type { ContentPart } from '../../models/types.ts';
import type { Effect, Idempotency } from '../../runs/types.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { countRunMessages, MAX_RUN_MESSAGES } from '../run-messages.ts';
import { lockRun } from '../run-row.ts';
import { once } from './idempotency.ts';

/** Seconds after which a client may try again when too many messages wait for a run. */
const TOO_MANY_RETRY_S = 5;

export type RunMessage = { id: string; thread_id: string; run_id: string; content: ContentPart[]; created_at: number };

/**
 * Accepts a user message for the next turn of an active run. A run that would have ended takes another turn for it; one that ends
 * all the same leaves it in the thread. Errors: `runs.not_found`, `runs.not_active`, `limits.run_messages`.
 */
export function addRunMessage(
  trx: Trx,
  args: { org_id: string; once?: Idempotency; run_id: string; content: ContentPart[] },
  ctx: TransactionContext,
): Promise<Effect<RunMessage>> {
  return once(trx, ctx, args.org_id, args.once, async () => {
    const run = await lockRun(trx, args.org_id, args.run_id);
    if (run.ended || run.status === 'cancelling') {
      throw new HoldfastError('runs.not_active', `Run ${run.id} takes no more messages (${run.status}).`);
    }
    if ((await countRunMessages(trx, run.id)) >= MAX_RUN_MESSAGES) {
      const message = `${MAX_RUN_MESSAGES} messages already wait for the next turn of run ${run.id}.`;
      throw new HoldfastError('limits.run_messages', message, { retryAfterS: TOO_MANY_RETRY_S });
    }
    const id = newId('msg');
    const content = JSON.stringify(args.content);
    const row = { id, org_id: run.org_id, run_id: run.id, content, created_at: ctx.now };
    await trx.insertInto('run_messages').values(row).execute();
    return { id, thread_id: run.thread_id, run_id: run.id, content: args.content, created_at: ctx.now };
  });
}
