import type { FinishReason, Usage } from '../../models/types.ts';
import type { TurnOutcome } from '../../runs/outcomes.ts';
import { budgetExceeded } from '../budget.ts';
import { endRun } from '../end-run.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { insertMessage } from '../messages.ts';
import { openCalls, type TurnCall } from '../open-calls.ts';
import { limitPassed, limitReached } from '../run-limits.ts';
import { hasRunMessages } from '../run-messages.ts';
import { addUsage, append, type NewEvent, type RunRecord, specOf } from '../run-row.ts';
import { endedAs, type Lease } from './begin-turn.ts';
import { heldLease, stepDone } from './held-lease.ts';

type CompleteTurn = {
  lease: Lease;
  turn: number;
  message_id: string;
  /** What was said and not yet appended. */
  events: NewEvent[];
  content: string;
  calls: TurnCall[];
  finish_reason: FinishReason;
  usage: Usage;
  cost_usd: number | null;
};

/**
 * Records a model turn: `message.completed` with its `tool.call`s, the requests they open, and the run's end when it called
 * nothing and no message goes into a next turn, or passed a limit of its tokens, all in one commit. While a cancel is requested
 * nothing is recorded but the tokens. Errors: `steps.superseded`.
 */
export async function completeTurn(trx: Trx, args: CompleteTurn, ctx: TransactionContext): Promise<TurnOutcome> {
  const { run, step } = await heldLease(trx, args.lease);
  const spent = addUsage(run, args.usage, args.cost_usd);
  if (run.status === 'cancelling') {
    await append(trx, ctx, run, args.events, spent);
    return { outcome: 'cancelled' };
  }
  const after = { ...run, ...spent } as RunRecord;
  const limit = limitPassed(after, args.finish_reason === 'length');
  if (limit) {
    // What was said stays as a cut answer; calls of a turn that was cut are not made.
    await append(trx, ctx, run, args.events, spent);
    await endRun(trx, ctx, run, { as: 'failed', ...limit });
    return endedAs(run);
  }
  const said: NewEvent[] = [
    ...args.events,
    {
      type: 'message.completed',
      data: {
        message_id: args.message_id,
        turn: args.turn,
        content: args.content,
        finish_reason: args.finish_reason,
        usage: args.usage,
      },
    },
  ];
  await insertMessage(
    trx,
    ctx,
    { org_id: run.org_id, thread_id: run.thread_id, id: run.id },
    {
      id: args.message_id,
      role: 'assistant',
      content: args.content === '' ? [] : [{ type: 'text', text: args.content }],
      listed: args.content !== '' || args.calls.length === 0,
      began_at: step.started_at,
      finish_reason: args.finish_reason,
    },
  );
  if (args.calls.length === 0 && !(await goesOnForMessages(trx, ctx, after, args.turn))) {
    const outcome: TurnOutcome = { outcome: 'ended', status: 'completed' };
    await stepDone(trx, args.lease, outcome);
    const ending = { as: 'completed', output: args.content, message_id: args.message_id } as const;
    await endRun(trx, ctx, run, ending, said, spent);
    return outcome;
  }
  const outcome: TurnOutcome =
    args.calls.length === 0 ? { outcome: 'tools', calls: [], waits: [] } : await openCalls(trx, ctx, run, args, said);
  await append(trx, ctx, run, said, spent);
  await stepDone(trx, args.lease, outcome);
  return outcome;
}

/** A message waits for the next turn, and budget and limits have one: a run that is done does not fail for having been spoken to. */
async function goesOnForMessages(trx: Trx, ctx: TransactionContext, run: RunRecord, turn: number): Promise<boolean> {
  if (limitReached(run, ctx.now) || !(await hasRunMessages(trx, run.id))) return false;
  return specOf(run).budget.on_exceeded === 'ask' || !budgetExceeded(run, turn + 1, ctx.now);
}
