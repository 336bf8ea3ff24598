/** Budgets are checked before each step, from the run's own row: what was spent, voided attempts included. */

import { spentBudget } from '../runs/budget-words.ts';
import { invalidField } from '../runs/invalid-field.ts';
import type { TurnOutcome } from '../runs/outcomes.ts';
import type { Budget } from '../runs/types.ts';
import { endRun } from './end-run.ts';
import type { TransactionContext, Trx } from './journal.ts';
import { openRequest } from './requests.ts';
import { append, type NewEvent, type RunChange, type RunRecord, specOf } from './run-row.ts';

export type BudgetLimit = 'max_turns' | 'max_tokens' | 'max_cost_usd' | 'timeout_s';
export type Exceeded = { limit: BudgetLimit; allowed: number; used: number };

/** The first limit that `turn` would pass, if any; `priced`: its route has prices. Time is what the run worked, not what it waited for its human. */
export function budgetExceeded(run: RunRecord, turn: number, now: number, priced = true): Exceeded | undefined {
  const budget = specOf(run).budget;
  const used: Record<BudgetLimit, number> = {
    max_turns: turn - 1,
    max_tokens: run.input_tokens + run.output_tokens,
    // On a route without prices, or once a step ran on one, a limit that cannot be kept counts as reached.
    max_cost_usd: priced ? (run.cost_usd ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY,
    timeout_s: workedMs(run, now) / 1000,
  };
  for (const limit of ['max_turns', 'max_tokens', 'max_cost_usd', 'timeout_s'] as const) {
    const allowed = budget[limit];
    if (allowed !== undefined && used[limit] >= allowed) return { limit, allowed, used: used[limit] };
  }
  return undefined;
}

/** How long the run has worked: from its start, without the time it waited for its human. */
export function workedMs(run: RunRecord, now: number): number {
  if (run.started_at === null) return 0;
  const waiting = run.waiting_since === null ? 0 : now - run.waiting_since;
  return now - run.started_at - run.waited_ms - waiting;
}

/** What is left for the next step: tokens, an output cap by dollars and by the run's own limit, and its deadline in milliseconds. */
export function budgetLeft(
  run: RunRecord,
  outputPrice: number | null,
  now: number,
): { max_tokens?: number; max_output_tokens?: number; deadline_ms?: number } {
  const { budget, max_completion_tokens, expires_at } = specOf(run);
  const { max_tokens, max_cost_usd, timeout_s } = budget;
  const dollars = max_cost_usd === undefined ? undefined : max_cost_usd - (run.cost_usd ?? 0);
  const output = least(
    dollars === undefined || !outputPrice ? undefined : Math.floor((dollars * 1_000_000) / outputPrice),
    max_completion_tokens === undefined ? undefined : max_completion_tokens - run.output_tokens,
  );
  const deadline = least(
    timeout_s === undefined ? undefined : timeout_s * 1000 - workedMs(run, now),
    expires_at === undefined ? undefined : expires_at - now,
  );
  return {
    ...(max_tokens === undefined ? {} : { max_tokens: max_tokens - run.input_tokens - run.output_tokens }),
    ...(output === undefined ? {} : { max_output_tokens: output }),
    ...(deadline === undefined ? {} : { deadline_ms: Math.max(1, deadline) }),
  };
}

/** The least of the limits that there are. */
function least(...limits: (number | undefined)[]): number | undefined {
  const known = limits.filter((limit) => limit !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** A spent budget ends the run or, with `on_exceeded: ask`, opens a request (the one already open, if there is one). */
export async function requestBudget(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  exceeded: Exceeded,
  opening: NewEvent[],
  change: RunChange,
): Promise<TurnOutcome> {
  const spec = specOf(run);
  const used = Number.isFinite(exceeded.used)
    ? `${round(exceeded.used)} used`
    : 'and what is used is unknown: a route has no price';
  if (spec.budget.on_exceeded !== 'ask' || spec.budget_stopped) {
    const message = spentBudget(exceeded.limit, exceeded.allowed, used);
    await endRun(trx, ctx, run, { as: 'failed', code: 'budget.exceeded', message }, opening, change);
    return { outcome: 'ended', status: 'failed', code: 'budget.exceeded' };
  }
  const open = await trx
    .selectFrom('inputs')
    .select(['id', 'expires_at'])
    .where('run_id', '=', run.id)
    .where('kind', '=', 'budget')
    .where('state', '=', 'open')
    .executeTakeFirst();
  if (open) return { outcome: 'wait', waits: [[open.id, open.expires_at]] };
  const { wait, event } = await openRequest(trx, ctx, run, {
    kind: 'budget',
    prompt: `${spentBudget(exceeded.limit, exceeded.allowed, used)} Raise it, or stop the run?`,
    options: ['stop', 'raise', `raise {"${exceeded.limit}": ${round(exceeded.allowed * 2)}}`],
  });
  await append(trx, ctx, run, [...opening, event], change);
  return { outcome: 'wait', waits: [wait] };
}

/**
 * The budget after `raise`: twice the limit that was reached, or the given limits, of which each must raise one that there is
 * and the one that was reached must be among them. `turn` is the one that did not begin. Errors: `validation.failed`.
 */
export function raisedBudget(
  run: RunRecord,
  raise: Partial<Record<BudgetLimit, number>> | null,
  turn: number,
  now: number,
): Budget {
  const budget = specOf(run).budget;
  const exceeded = budgetExceeded(run, turn, now);
  if (raise) return checkedRaise(budget, raise, exceeded);
  if (!exceeded) return budget;
  let allowed = exceeded.allowed * 2;
  while (allowed <= exceeded.used && Number.isFinite(exceeded.used)) allowed *= 2;
  return { ...budget, [exceeded.limit]: allowed };
}

function checkedRaise(
  budget: Budget,
  raise: Partial<Record<BudgetLimit, number>>,
  exceeded: Exceeded | undefined,
): Budget {
  for (const [name, value] of Object.entries(raise) as [BudgetLimit, number][]) {
    const allowed = budget[name];
    if (allowed === undefined) throw invalidField('content', `This run has no limit ${name} to raise.`);
    if (value <= allowed) throw invalidField('content', `${name} is ${allowed}; ${value} does not raise it.`);
  }
  const given = exceeded ? raise[exceeded.limit] : undefined;
  if (exceeded && (given === undefined || given <= exceeded.used)) {
    const message = `${exceeded.limit} was reached: raise it beyond the ${round(exceeded.used)} that were used.`;
    throw invalidField('content', message);
  }
  return { ...budget, ...raise };
}

const round = (value: number) => Math.round(value * 1e6) / 1e6;
