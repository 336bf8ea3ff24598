/** Budgets are checked before each step, from the run's own row: what was spent, voided attempts included. */

import { spentBudget } from '../runs/budget-words.ts';
import { invalidField } from '../runs/invalid-field.ts';
import type { TurnOutcome } from '../runs/outcomes.ts';
import type { Budget } from '../runs/types.ts';
import type { Ceiling } from './child-budget.ts';
import { endRun } from './end-run.ts';
import type { TransactionContext, Trx } from './journal.ts';
import { openRequest } from './requests.ts';
import { append, type NewEvent, type RunChange, type RunRecord, specOf } from './run-row.ts';

export const LIMITS = ['max_turns', 'max_tokens', 'max_cost_usd', 'timeout_s'] as const;
export type BudgetLimit = (typeof LIMITS)[number];
export type Exceeded = { limit: BudgetLimit; allowed: number; used: number };

/**
 * The first limit that `turn` would pass, if any; `priced`: its route has prices. Time is what the run worked, not what it waited for
 * its human.
 */
export function budgetExceeded(run: RunRecord, turn: number, now: number, priced = true): Exceeded | undefined {
  const budget = specOf(run).budget;
  const used: Record<BudgetLimit, number> = {
    max_turns: turn - 1,
    max_tokens: spentTokens(run),
    // On a route without prices, or once a step ran on one, a limit that cannot be kept counts as reached.
    max_cost_usd: priced ? (spentCost(run) ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY,
    timeout_s: workedMs(run, now) / 1000,
  };
  for (const limit of LIMITS) {
    const allowed = budget[limit];
    if (allowed !== undefined && used[limit] >= allowed) return { limit, allowed, used: used[limit] };
  }
  return undefined;
}

/** Tokens that a run and its children used. */
export const spentTokens = (run: RunRecord): number => run.input_tokens + run.output_tokens + run.children_tokens;

/** What a run and its children cost; null when a part of it is unknown. */
export function spentCost(run: RunRecord): number | null {
  return run.cost_usd === null || run.children_cost_usd === null ? null : run.cost_usd + run.children_cost_usd;
}

/**
 * How long the run has worked: from its start, without the time it waited for its human. A child's time is its parent's too, so it
 * counts from when the child was made.
 */
export function workedMs(run: RunRecord, now: number): number {
  const from = run.parent_run_id === null ? run.started_at : run.created_at;
  return from === null ? 0 : now - from - waitedMs(run, now);
}

/** How long the run has waited for its human, or a child of it for its own. */
export function waitedMs(run: RunRecord, now: number): number {
  return run.waited_ms + (run.waiting_since === null ? 0 : now - run.waiting_since);
}

/** What is left for the next step: tokens, an output cap by dollars and by the run's own limit, and its deadline in milliseconds. */
export function budgetLeft(
  run: RunRecord,
  outputPrice: number | null,
  now: number,
): { max_tokens?: number; max_output_tokens?: number; deadline_ms?: number } {
  const { budget, max_completion_tokens } = specOf(run);
  const { max_tokens, max_cost_usd } = budget;
  const dollars = max_cost_usd === undefined ? undefined : max_cost_usd - (spentCost(run) ?? 0);
  const output = least(
    dollars === undefined || !outputPrice ? undefined : Math.floor((dollars * 1_000_000) / outputPrice),
    max_completion_tokens === undefined ? undefined : max_completion_tokens - run.output_tokens,
  );
  const deadline = timeLeftMs(run, now);
  return {
    ...(max_tokens === undefined ? {} : { max_tokens: max_tokens - spentTokens(run) }),
    ...(output === undefined ? {} : { max_output_tokens: output }),
    ...(deadline === undefined ? {} : { deadline_ms: Math.max(1, deadline) }),
  };
}

/** Milliseconds that are left of the run's time: of its budget's work, and to its expiry. Undefined where neither is limited. */
export function timeLeftMs(run: RunRecord, now: number): number | undefined {
  const { budget, expires_at } = specOf(run);
  return least(
    budget.timeout_s === undefined ? undefined : budget.timeout_s * 1000 - workedMs(run, now),
    expires_at === undefined ? undefined : expires_at - now,
  );
}

/** The least of the limits that there are. */
export function least(...limits: (number | undefined)[]): number | undefined {
  const known = limits.filter((limit) => limit !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/**
 * A spent budget ends the run or, with `on_exceeded: ask`, opens a request (the one already open, if there is one). What a parent
 * gave and was used up is nothing that a person could raise here.
 */
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
  const most = spec.parent?.ceiling[exceeded.limit] ?? Number.POSITIVE_INFINITY;
  const atCeiling = exceeded.allowed >= most || exceeded.used >= most;
  if (spec.budget.on_exceeded !== 'ask' || spec.budget_stopped || atCeiling) {
    const message = spentBudget(exceeded.limit, exceeded.allowed, used);
    await endRun(trx, ctx, run, { as: 'failed', code: 'budget.exceeded', message }, opening, change);
    return { outcome: 'ended', status: 'failed', code: 'budget.exceeded' };
  }
  const open = await trx
    .selectFrom('inputs')
    .select(['id', 'expires_at', 'kind'])
    .where('run_id', '=', run.id)
    .where('kind', '=', 'budget')
    .where('state', '=', 'open')
    .executeTakeFirst();
  if (open) return { outcome: 'wait', waits: [[open.id, open.expires_at, open.kind]] };
  const { wait, event } = await openRequest(trx, ctx, run, {
    kind: 'budget',
    prompt: `${spentBudget(exceeded.limit, exceeded.allowed, used)} Raise it, or stop the run?`,
    options: ['stop', 'raise', `raise {"${exceeded.limit}": ${roundDown(Math.min(exceeded.allowed * 2, most))}}`],
  });
  await append(trx, ctx, run, [...opening, event], change);
  return { outcome: 'wait', waits: [wait] };
}

/**
 * The budget after `raise`: twice the limit that was reached, or the given limits, of which each must raise one that there is
 * and the one that was reached must be among them; none goes beyond what a parent run gave. `turn` is the one that did not begin.
 * Errors: `validation.failed`.
 */
export function raisedBudget(
  run: RunRecord,
  raise: Partial<Record<BudgetLimit, number>> | null,
  turn: number,
  now: number,
): Budget {
  const { budget, parent } = specOf(run);
  const ceiling = parent?.ceiling ?? {};
  const exceeded = budgetExceeded(run, turn, now);
  if (raise) return checkedRaise(budget, raise, exceeded, ceiling);
  if (!exceeded) return budget;
  let allowed = exceeded.allowed * 2;
  while (allowed <= exceeded.used && Number.isFinite(exceeded.used)) allowed *= 2;
  return { ...budget, [exceeded.limit]: Math.min(allowed, ceiling[exceeded.limit] ?? allowed) };
}

function checkedRaise(
  budget: Budget,
  raise: Partial<Record<BudgetLimit, number>>,
  exceeded: Exceeded | undefined,
  ceiling: Ceiling,
): Budget {
  for (const [name, value] of Object.entries(raise) as [BudgetLimit, number][]) {
    const allowed = budget[name];
    if (allowed === undefined) throw invalidField('content', `This run has no limit ${name} to raise.`);
    if (value <= allowed) throw invalidField('content', `${name} is ${allowed}; ${value} does not raise it.`);
    const most = ceiling[name];
    if (most !== undefined && value > most)
      throw invalidField('content', `${name}: the parent run gives at most ${round(most)}.`);
  }
  const given = exceeded ? raise[exceeded.limit] : undefined;
  if (exceeded && (given === undefined || given <= exceeded.used)) {
    const message = `${exceeded.limit} was reached: raise it beyond the ${round(exceeded.used)} that were used.`;
    throw invalidField('content', message);
  }
  return { ...budget, ...raise };
}

/** Never above what may be raised to. */
const roundDown = (value: number) => Math.floor(value * 1e6) / 1e6;
const round = (value: number) => Math.round(value * 1e6) / 1e6;
