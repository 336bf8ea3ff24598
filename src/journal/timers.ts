/** Calls that time alone answers (`wait`): nothing is held, the workflow sleeps and its next turn records their results. */
import type { ExpressionBuilder } from 'kysely';
import { timeLeftMs } from './budget.ts';
import type { TransactionContext, Trx } from './journal.ts';
import { recordResult } from './requests.ts';
import type { NewEvent, RunRecord } from './run-row.ts';
import type { Schema } from './schema.ts';

/** How far Temporal's clock, by which a workflow sleeps, may be ahead of the journal's. */
const MAX_CLOCK_SKEW_MS = 30_000;

/** How long a timer takes, or when it is over (milliseconds since 1970). */
export type TimerLength = { ms: number } | { until: number };

export const dueAt = (length: TimerLength, now: number): number => ('ms' in length ? now + length.ms : length.until);

/** Why a timer may not take that long, as the model is told: time goes on while the run waits for nobody. */
export function beyondBudget(run: RunRecord, due: number, now: number): string | undefined {
  const left = timeLeftMs(run, now);
  if (left === undefined || due - now < left) return undefined;
  return `Not waited: ${Math.max(0, Math.floor(left / 1000))} s are left of the run's time.`;
}

/** When the last of the timers among the calls is over, if there are some. */
export function untilOf(calls: { due_at: number | null }[]): { until?: number } {
  const due = calls.flatMap((call) => (call.due_at === null ? [] : [call.due_at]));
  return due.length === 0 ? {} : { until: Math.max(...due) };
}

/** Of a call: it is a timer, and its time has come. */
export function isOver(eb: ExpressionBuilder<Schema, 'calls'>, now: number) {
  return eb.and([eb('kind', '=', 'timer'), eb('due_at', '<=', now + MAX_CLOCK_SKEW_MS)]);
}

/** Records the results of a turn's timers that are over, and returns their events. */
export async function settleTimers(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  turn: number,
): Promise<NewEvent[]> {
  const due = await trx
    .selectFrom('calls')
    .select(['call_id', 'due_at'])
    .where('run_id', '=', run.id)
    .where('turn', '=', turn)
    .where('status', '=', 'pending')
    .where((eb) => isOver(eb, ctx.now))
    .orderBy('idx')
    .execute();
  const events: NewEvent[] = [];
  for (const { call_id, due_at } of due) {
    const output = `Waited until ${new Date(due_at ?? ctx.now).toISOString()}.`;
    const result = await recordResult(trx, ctx, run.id, call_id, { status: 'ok', output });
    if (result) events.push(result);
  }
  return events;
}
