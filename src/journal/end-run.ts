/** The end of a run: one terminal event, and everything that must be true from that commit on. */
import { cancelChildren } from './cancel.ts';
import { tellParent } from './child-runs.ts';
import { startQueued } from './insert-run.ts';
import type { TransactionContext, Trx } from './journal.ts';
import { insertMessage } from './messages.ts';
import { withdrawRequests } from './requests.ts';
import { settleRunMessages } from './run-messages.ts';
import { append, type NewEvent, type RunChange, type RunRecord, usageOf } from './run-row.ts';

export type Ending =
  | { as: 'completed'; output: string; message_id: string }
  | { as: 'failed'; code: string; message: string }
  | { as: 'cancelled'; reason: string; unfinished: UnfinishedCall[] };

/** A call that a cancel could not stop; of a child run its id. */
export type UnfinishedCall = { call_id: string; name: string; run_id?: string };

/** What the model sees of a call that nobody answered, and what its `tool.result` says. */
export const CANCELLED_CALL_OUTPUT = 'Cancelled: the run ended before this call was answered.';

/**
 * Ends a locked, active run, with `before` appended ahead of the terminal event: the thread is free, its open requests are
 * withdrawn, its open calls closed, a cut answer kept as incomplete and messages that no turn took after it, and no intent of it
 * left in the outbox. Children that are still active are cancelled; the parent is told.
 */
export async function endRun(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  ending: Ending,
  before: NewEvent[] = [],
  change: RunChange = {},
): Promise<void> {
  if (ending.as !== 'completed') await keepCutAnswer(trx, ctx, run);
  await settleRunMessages(trx, ctx, run);
  Object.assign(run, change);
  const totals = {
    usage: usageOf(run),
    cost_usd: run.cost_usd,
    duration_ms: Math.max(0, ctx.now - (run.started_at ?? run.created_at)),
  };
  await append(trx, ctx, run, [...before, { type: `run.${ending.as}`, data: { ...terminalData(ending), ...totals } }], {
    ...change,
    ...terminalColumns(ending, ctx.now),
  });
  const freed = await trx
    .updateTable('threads')
    .set({ active_run_id: null, updated_at: ctx.now })
    .where('id', '=', run.thread_id)
    .where('org_id', '=', run.org_id)
    .where('active_run_id', '=', run.id)
    .returning('id')
    .executeTakeFirst();
  await withdrawRequests(trx, ctx, run.id);
  await trx
    .updateTable('calls')
    .set({ status: 'cancelled', output: CANCELLED_CALL_OUTPUT, completed_at: ctx.now })
    .where('run_id', '=', run.id)
    .where('status', '=', 'pending')
    .execute();
  await trx.deleteFrom('outbox').where('run_id', '=', run.id).execute();
  if (ending.as !== 'completed') await cancelChildren(trx, ctx, run);
  await tellParent(trx, ctx, run);
  if (freed) await startQueued(trx, ctx, run);
}

function terminalData(ending: Ending): Record<string, unknown> {
  if (ending.as === 'completed') return { output: ending.output, message_id: ending.message_id };
  if (ending.as === 'failed') return { error: { code: ending.code, message: ending.message } };
  return { reason: ending.reason, unfinished: ending.unfinished };
}

function terminalColumns(ending: Ending, now: number): RunChange {
  if (ending.as === 'completed') return { completed_at: now };
  if (ending.as === 'failed') return { failed_at: now, error_code: ending.code, error_message: ending.message };
  return { cancelled_at: now };
}

/** What an unfinished turn had said by now becomes an incomplete message: the reader saw it, so the next run's model does. */
async function keepCutAnswer(trx: Trx, ctx: TransactionContext, run: RunRecord): Promise<void> {
  const step = await trx
    .selectFrom('steps')
    .select(['message_id', 'from_seq', 'started_at'])
    .where('run_id', '=', run.id)
    .where('state', '!=', 'done')
    .where('message_id', 'is not', null)
    .executeTakeFirst();
  if (!step?.message_id) return;
  const deltas = await trx
    .selectFrom('events')
    .select('data')
    .where('run_id', '=', run.id)
    .where('seq', '>', step.from_seq)
    .where('type', '=', 'message.delta')
    .orderBy('seq')
    .execute();
  const content = deltas.map((row) => (JSON.parse(row.data) as { content: string }).content).join('');
  if (content === '') return;
  await insertMessage(trx, ctx, run, {
    id: step.message_id,
    role: 'assistant',
    content: [{ type: 'text', text: content }],
    status: 'incomplete',
    began_at: step.started_at,
  });
}
