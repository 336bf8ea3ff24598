/** User messages to an active run: kept until its next turn begins, or the run ends, and then part of the thread. */
import type { ContentPart } from '../models/types.ts';
import type { TransactionContext, Trx } from './journal.ts';
import { insertMessage } from './messages.ts';
import type { RunRecord } from './run-row.ts';

/** Messages of one run that may wait for its next turn. */
export const MAX_RUN_MESSAGES = 64;

export type TakenMessage = { id: string; content: ContentPart[]; created_at: number };

/** Puts the messages that wait for a run at the end of its thread, oldest first. */
export async function takeRunMessages(trx: Trx, ctx: TransactionContext, run: RunRecord): Promise<TakenMessage[]> {
  const waiting = await trx
    .deleteFrom('run_messages')
    .where('run_id', '=', run.id)
    .where('org_id', '=', run.org_id)
    .returning(['id', 'content', 'created_at'])
    .execute();
  const taken = waiting
    .map((row): TakenMessage => ({ ...row, content: JSON.parse(row.content) as ContentPart[] }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const message of taken) await insertMessage(trx, ctx, run, { ...message, role: 'user' });
  return taken;
}

/** What no turn took stays in the thread; of a run that never had its thread it goes with the run's own message. */
export async function settleRunMessages(trx: Trx, ctx: TransactionContext, run: RunRecord): Promise<void> {
  if (run.queued_input === null) await takeRunMessages(trx, ctx, run);
  else await trx.deleteFrom('run_messages').where('run_id', '=', run.id).where('org_id', '=', run.org_id).execute();
}

export async function countRunMessages(trx: Trx, runId: string): Promise<number> {
  const row = await trx
    .selectFrom('run_messages')
    .select((eb) => eb.fn.countAll<number>().as('waiting'))
    .where('run_id', '=', runId)
    .executeTakeFirstOrThrow();
  return Number(row.waiting);
}

export async function hasRunMessages(trx: Trx, runId: string): Promise<boolean> {
  const first = await trx
    .selectFrom('run_messages')
    .select('id')
    .where('run_id', '=', runId)
    .limit(1)
    .executeTakeFirst();
  return first !== undefined;
}
