/** Child runs: a call of `run_agent` is answered by a run of its own, whose parent waits for its end. */
import { cutOutput } from '../cut-output.ts';
import type { ChildRef } from '../runs/outcomes.ts';
import { allAnswered } from './all-answered.ts';
import { spentCost, spentTokens, waitedMs } from './budget.ts';
import { putIntent } from './intents.ts';
import type { TransactionContext, Trx } from './journal.ts';
import { recordResult } from './requests.ts';
import { append, type RunChange, type RunRecord, specOf } from './run-row.ts';

/** The parent's workflow hears of the end from Temporal at once; where it did not start the child itself, this much later. */
const TELL_PARENT_AFTER_MS = 5_000;

/** The run that answers a call, if it was started. */
export function childOf(trx: Trx, orgId: string, callId: string): Promise<RunRecord | undefined> {
  return trx
    .selectFrom('runs')
    .selectAll()
    .where('parent_call_id', '=', callId)
    .where('org_id', '=', orgId)
    .executeTakeFirst();
}

export function activeChildren(
  trx: Trx,
  run: { id: string; org_id: string },
): Promise<Pick<RunRecord, 'id' | 'parent_call_id'>[]> {
  return trx
    .selectFrom('runs')
    .select(['id', 'parent_call_id'])
    .where('parent_run_id', '=', run.id)
    .where('org_id', '=', run.org_id)
    .where('ended', '=', 0)
    .orderBy('id')
    .execute();
}

type Child = Pick<RunRecord, 'id' | 'thread_id' | 'persona_id' | 'model' | 'epoch' | 'started_at'>;

export function childRef(child: Child): ChildRef {
  return {
    run_id: child.id,
    thread_id: child.thread_id,
    epoch: child.epoch,
    resume: child.started_at !== null || child.epoch > 0,
    persona: child.persona_id ?? 'none',
    model: child.model,
  };
}

/** Keeps for the parent of a run that ends that it is to be told, until its call has the result. */
export async function tellParent(trx: Trx, ctx: TransactionContext, run: RunRecord): Promise<void> {
  if (run.parent_run_id === null) return;
  const parent = { id: run.parent_run_id, org_id: run.org_id };
  const active = await trx
    .selectFrom('runs')
    .select('id')
    .where('id', '=', parent.id)
    .where('org_id', '=', parent.org_id)
    .where('ended', '=', 0)
    .executeTakeFirst();
  if (active) await putIntent(trx, ctx, parent, 'child', run.id, TELL_PARENT_AFTER_MS);
}

/**
 * Records what a child that ended gives its parent: its answer as the call's result, its tokens and cost, and the time it waited
 * for its human, which is no time of the parent's work either.
 */
export async function collectChild(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  callId: string,
  child: RunRecord,
): Promise<void> {
  const usage = await childrenUsage(trx, run, child);
  const result = await recordResult(trx, ctx, run.id, callId, await resultOf(trx, child));
  await trx
    .deleteFrom('outbox')
    .where('run_id', '=', run.id)
    .where('kind', '=', 'child')
    .where('ref', '=', child.id)
    .execute();
  const change: RunChange = {
    ...usage,
    waited_ms: run.waited_ms + waitedAlone(run, child, ctx.now),
  };
  await append(trx, ctx, run, result ? [result] : [], change);
}

async function childrenUsage(trx: Trx, run: RunRecord, child: RunRecord): Promise<RunChange> {
  const used = await usedBelow(trx, child);
  const unknown = run.children_cost_usd === null || used.cost_usd === null;
  return {
    children_tokens: run.children_tokens + used.tokens,
    children_cost_usd: unknown ? null : (run.children_cost_usd ?? 0) + (used.cost_usd ?? 0),
  };
}

type Used = { tokens: number; cost_usd: number | null };

/** What a run used, and the runs below it that it ended without counting: of one still at work all that it was given. */
async function usedBelow(trx: Trx, run: RunRecord): Promise<Used> {
  const below = await allAnswered((await uncollected(trx, run)).map((child) => usedBelow(trx, child)));
  const { max_tokens = 0, max_cost_usd = 0 } = run.ended ? {} : (specOf(run).parent?.ceiling ?? {});
  const own = [spentCost(run), ...below.map((used) => used.cost_usd)];
  return {
    tokens: Math.max(
      max_tokens,
      below.reduce((sum, used) => sum + used.tokens, spentTokens(run)),
    ),
    cost_usd: own.includes(null)
      ? null
      : Math.max(
          max_cost_usd,
          own.reduce<number>((sum, cost) => sum + (cost ?? 0), 0),
        ),
  };
}

/** Children whose calls got no result of theirs: they are not counted yet, or their parent ended before it could. */
export function uncollected(trx: Trx, run: { id: string; org_id: string }): Promise<RunRecord[]> {
  return trx
    .selectFrom('runs')
    .innerJoin('calls', 'calls.call_id', 'runs.parent_call_id')
    .selectAll('runs')
    .where('runs.parent_run_id', '=', run.id)
    .where('runs.org_id', '=', run.org_id)
    .where('calls.status', 'in', ['pending', 'cancelled'])
    .execute();
}

/**
 * What the child waited beyond the parent's own waiting and its siblings', which pass at the same time. As within one run, time does
 * not run while anybody is waited for, whatever else is at work meanwhile.
 */
function waitedAlone(run: RunRecord, child: RunRecord, now: number): number {
  const meanwhile = waitedMs(run, now) - (specOf(child).parent?.waited_ms ?? 0);
  return Math.max(0, child.waited_ms - meanwhile);
}

async function resultOf(trx: Trx, child: RunRecord): Promise<{ status: 'ok' | 'error'; output: string }> {
  if (child.status === 'cancelled') return { status: 'error', output: `The run ${child.id} was cancelled.` };
  if (child.status === 'failed') {
    const reason = `${child.error_code}: ${child.error_message}`;
    return { status: 'error', output: cutOutput(`The run ${child.id} failed: ${reason}`) };
  }
  const completed = await trx
    .selectFrom('events')
    .select('data')
    .where('run_id', '=', child.id)
    .where('seq', '=', child.last_seq)
    .executeTakeFirstOrThrow();
  return { status: 'ok', output: cutOutput((JSON.parse(completed.data) as { output: string }).output) };
}
