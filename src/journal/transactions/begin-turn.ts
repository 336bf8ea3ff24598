import type { Selectable } from 'kysely';
import { newId, newLeaseToken } from '../../ids.ts';
import { costUsd } from '../../models/prices.ts';
import type { Price } from '../../models/types.ts';
import type { RunRef, Stop, TurnOutcome } from '../../runs/outcomes.ts';
import { allAnswered } from '../all-answered.ts';
import { budgetExceeded, requestBudget } from '../budget.ts';
import { endRun } from '../end-run.ts';
import { forgetDelivered } from '../intents.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { lostUsage } from '../lost-usage.ts';
import { limitReached } from '../run-limits.ts';
import { takeRunMessages } from '../run-messages.ts';
import { addUsage, append, lockRunAnd, type NewEvent, type RunChange, type RunRecord } from '../run-row.ts';
import type { Schema } from '../schema.ts';
import { isOver, settleTimers } from '../timers.ts';

/** A step that loses its worker this often ends its run: something in it kills workers. */
export const MAX_LOST_WORKERS = 20;

export type Lease = {
  org_id: string;
  run_id: string;
  step: string;
  token: string;
  attempt: number;
};

type BeginTurn = RunRef & {
  turn: number;
  /** The route this turn runs on, as the worker's configuration resolves it. */
  route: { id: string; model: string; fallback: string | null; price: Price | null; context_tokens?: number | null };
  /** Temporal's id of the execution that asks. */
  temporal_run_id?: string;
} & Repeatable;

/** Brought along by who repeats a begin that may have been committed: the lease that it gave is given again. */
export type Repeatable = { token?: string };

export type BegunTurn =
  | {
      begun: true;
      lease: Lease;
      run: RunRecord;
      message_id: string;
      /** Provider errors of this turn on this route so far. */
      provider_errors: number;
    }
  | { begun: false; outcome: TurnOutcome };

/**
 * Begins a turn, or says why not: the recorded outcome of a turn already done, the end of the run, a budget that is spent, a
 * journal behind the workflow. One transaction gives the lease and appends `turn.started`, with `run.started` before the
 * first, `tool.result` of timers that are over, `message.received` of the messages it takes, and `message.reset` for an attempt
 * it replaces.
 */
export async function beginTurn(trx: Trx, args: BeginTurn, ctx: TransactionContext): Promise<BegunTurn> {
  const step = `turn:${args.turn}`;
  const [run, known] = await lockRunAnd(trx, args.org_id, args.run_id, () => findStep(trx, args.run_id, step));
  if (isGiven(known, args) && known.message_id !== null) {
    const { message_id, provider_errors } = known;
    return { begun: true, lease: leaseOf(run, known), run, message_id, provider_errors };
  }
  const stop = stopOf(run, args.epoch);
  if (stop) return { begun: false, outcome: stop };
  if (known?.state === 'done') return { begun: false, outcome: JSON.parse(known.outcome ?? '{}') as TurnOutcome };
  if (!(await followsJournal(trx, run, args.turn, ctx.now))) return { begun: false, outcome: { outcome: 'behind' } };

  await forgetDelivered(trx, run.id);
  const opening = [
    ...(args.turn > 1 ? await settleTimers(trx, ctx, run, args.turn - 1) : []),
    ...(run.started_at === null ? [runStarted(run, args.route.model)] : []),
  ];
  const change: RunChange = {
    started_at: run.started_at ?? ctx.now,
    route_id: args.route.id,
    model: args.route.model,
    fallback_route_id: args.route.fallback,
    ...(args.temporal_run_id === undefined ? {} : { temporal_run_id: args.temporal_run_id }),
  };
  if (known?.state === 'leased') {
    const usage = await lostUsage(trx, run, known, args.route.context_tokens ?? null);
    const spent = addUsage(run, usage, costUsd(args.route, usage));
    Object.assign(change, spent);
    Object.assign(run, spent);
  }
  const limit = limitReached(run, ctx.now);
  if (limit) {
    await endRun(trx, ctx, run, { as: 'failed', ...limit }, opening, change);
    return { begun: false, outcome: endedAs(run) };
  }
  const exceeded = budgetExceeded(run, args.turn, ctx.now, args.route.price !== null);
  if (exceeded) {
    if (known?.state === 'leased') await chargeOnce(trx, run.id, known);
    const outcome = await requestBudget(trx, ctx, run, exceeded, opening, change);
    return { begun: false, outcome };
  }
  const lost = lostWorkers(known);
  if (lost >= MAX_LOST_WORKERS) {
    const message = `Turn ${args.turn} lost its worker ${lost} times.`;
    await endRun(trx, ctx, run, { as: 'failed', code: 'engine.crash_loop', message }, opening, change);
    return { begun: false, outcome: { outcome: 'ended', status: 'failed', code: 'engine.crash_loop' } };
  }

  const attempt = nextAttempt(known);
  const messageId = newId('msg');
  if (known?.message_id) {
    const reason = known.state === 'leased' ? 'worker_lost' : known.release_reason;
    opening.push({
      type: 'message.reset',
      data: { message_id: known.message_id, turn: args.turn, attempt: known.attempt, reason },
    });
  }
  for (const { id, content } of await takeRunMessages(trx, ctx, run)) {
    opening.push({ type: 'message.received', data: { message_id: id, turn: args.turn, content } });
  }
  opening.push({ type: 'turn.started', data: { turn: args.turn, model: args.route.model, attempt } });
  const sameRoute = run.route_id === args.route.id;
  await append(trx, ctx, run, opening, change);
  const providerErrors = sameRoute ? (known?.provider_errors ?? 0) : 0;
  const own = { message_id: messageId, provider_errors: providerErrors };
  const lease = await giveLease(trx, ctx, run, step, known, own, args);
  return { begun: true, lease, run, message_id: messageId, provider_errors: providerErrors };
}

/** Why no step of this run may begin, if so. */
export function stopOf(run: RunRecord, epoch: number): Stop | undefined {
  if (run.epoch !== epoch) return { outcome: 'superseded' };
  if (run.ended) return endedAs(run);
  if (run.status === 'cancelling') return { outcome: 'cancelled' };
  return undefined;
}

export function endedAs(run: RunRecord): Extract<Stop, { outcome: 'ended' }> {
  const status = run.status as 'completed' | 'failed' | 'cancelled';
  return { outcome: 'ended', status, ...(run.error_code ? { code: run.error_code } : {}) };
}

export type StepRecord = Selectable<Schema['steps']>;

export function findStep(trx: Trx, runId: string, step: string): Promise<StepRecord | undefined> {
  return trx.selectFrom('steps').selectAll().where('run_id', '=', runId).where('step', '=', step).executeTakeFirst();
}

/** How often the step lost its worker: a lease that was neither given back nor fulfilled counts. */
export function lostWorkers(known: StepRecord | undefined): number {
  return (known?.lost_workers ?? 0) + (known?.state === 'leased' ? 1 : 0);
}

/** The lost attempt is charged: the step holds no lease any more that would be charged again when it begins. */
async function chargeOnce(trx: Trx, runId: string, known: StepRecord): Promise<void> {
  await trx
    .updateTable('steps')
    .set({ state: 'released', release_reason: 'worker_lost', lost_workers: lostWorkers(known) })
    .where('run_id', '=', runId)
    .where('step', '=', known.step)
    .execute();
}

const nextAttempt = (known: StepRecord | undefined) => (known?.attempt ?? 0) + 1;

/** Whether this very begin gave the lease that the step holds. */
export function isGiven(known: StepRecord | undefined, { token }: Repeatable): known is StepRecord {
  return known?.state === 'leased' && known.token === token;
}

export function leaseOf(run: RunRecord, { step, token, attempt }: StepRecord): Lease {
  return { org_id: run.org_id, run_id: run.id, step, token, attempt };
}

/** Gives a step its next lease in place of the one before, which from now on is refused. */
export async function giveLease(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  step: string,
  known: StepRecord | undefined,
  own: Pick<StepRecord, 'message_id' | 'provider_errors'>,
  { token = newLeaseToken() }: Repeatable,
): Promise<Lease> {
  const attempt = nextAttempt(known);
  const row: StepRecord = {
    run_id: run.id,
    step,
    state: 'leased',
    release_reason: null,
    attempt,
    token,
    outcome: null,
    lost_workers: lostWorkers(known),
    from_seq: run.last_seq,
    started_at: ctx.now,
    ...own,
  };
  await trx
    .insertInto('steps')
    .values(row)
    .onConflict((oc) => oc.columns(['run_id', 'step']).doUpdateSet(row))
    .execute();
  return leaseOf(run, row);
}

function runStarted(run: RunRecord, model: string): NewEvent {
  return { type: 'run.started', data: { thread_id: run.thread_id, persona_id: run.persona_id, model } };
}

/** Whether the turn before is done with every call answered: else the journal was restored, or the workflow misinformed. */
async function followsJournal(trx: Trx, run: RunRecord, turn: number, now: number): Promise<boolean> {
  if (turn === 1) return true;
  const flight = [findStep(trx, run.id, `turn:${turn - 1}`), openCall(trx, run.id, turn - 1, now)] as const;
  const [before, open] = await allAnswered(flight);
  return before?.state === 'done' && open === undefined;
}

function openCall(trx: Trx, runId: string, turn: number, now: number): Promise<{ call_id: string } | undefined> {
  return trx
    .selectFrom('calls')
    .select('call_id')
    .where('run_id', '=', runId)
    .where('turn', '=', turn)
    .where('status', '=', 'pending')
    .where((eb) => eb.not(isOver(eb, now)))
    .limit(1)
    .executeTakeFirst();
}
