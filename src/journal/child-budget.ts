/** What a parent's budget leaves to its children: together they can never use more than it had left. */
import type { Budget } from '../runs/types.ts';
import { type BudgetLimit, LIMITS, spentCost, spentTokens, workedMs } from './budget.ts';
import { uncollected } from './child-runs.ts';
import type { Trx } from './journal.ts';
import { type RunRecord, specOf } from './run-row.ts';

export type Ceiling = Partial<Record<BudgetLimit, number>>;

/** What a child knows of its parent. */
export type ParentTerms = {
  /** What the parent's budget leaves to it: no raise goes beyond. */
  ceiling: Ceiling;
  /** How long the parent had waited for its human when the child was made. */
  waited_ms: number;
};

/**
 * The most that the next child of `turn` may be given. Tokens and dollars are divided evenly among the turn's calls that have no
 * child yet, after what the others were given; time and turns, which pass side by side, are each child's whole rest.
 * A limit of which nothing is left is 0 or less.
 */
export async function ceilingFor(trx: Trx, run: RunRecord, turn: number, now: number): Promise<Ceiling> {
  const { max_turns, max_tokens, max_cost_usd, timeout_s } = specOf(run).budget;
  const given = (await uncollected(trx, run)).map((child) => specOf(child).parent?.ceiling ?? {});
  const reserved = (limit: BudgetLimit) => given.reduce((sum, ceiling) => sum + (ceiling[limit] ?? 0), 0);
  const shares = max_tokens === undefined && max_cost_usd === undefined ? 1 : await callsWithoutChild(trx, run, turn);
  const ceiling: Ceiling = {};
  if (max_turns !== undefined) ceiling.max_turns = max_turns - turn;
  if (max_tokens !== undefined) {
    ceiling.max_tokens = Math.floor((max_tokens - spentTokens(run) - reserved('max_tokens')) / shares);
  }
  if (max_cost_usd !== undefined) {
    ceiling.max_cost_usd = (max_cost_usd - (spentCost(run) ?? max_cost_usd) - reserved('max_cost_usd')) / shares;
  }
  if (timeout_s !== undefined) ceiling.timeout_s = timeout_s - workedMs(run, now) / 1000;
  return ceiling;
}

/** The first limit of which nothing is left. */
export function usedUp(ceiling: Ceiling): BudgetLimit | undefined {
  return LIMITS.find((limit) => (ceiling[limit] ?? 1) <= 0);
}

/** A child's own budget held to what its parent can give. */
export function heldTo(budget: Budget, ceiling: Ceiling): Budget {
  const held = { ...budget };
  for (const limit of LIMITS) {
    const most = ceiling[limit];
    if (most !== undefined) held[limit] = Math.min(held[limit] ?? most, most);
  }
  return held;
}

async function callsWithoutChild(trx: Trx, run: RunRecord, turn: number): Promise<number> {
  const row = await trx
    .selectFrom('calls')
    .leftJoin('runs', 'runs.parent_call_id', 'calls.call_id')
    .select((eb) => eb.fn.countAll<number>().as('calls'))
    .where('calls.run_id', '=', run.id)
    .where('calls.turn', '=', turn)
    .where('calls.kind', '=', 'agent')
    .where('calls.status', '=', 'pending')
    .where('runs.id', 'is', null)
    .executeTakeFirstOrThrow();
  return Math.max(1, Number(row.calls));
}
