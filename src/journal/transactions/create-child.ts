import { newId } from '../../ids.ts';
import type { CallOutcome } from '../../runs/outcomes.ts';
import { waitedMs } from '../budget.ts';
import { ceilingFor, heldTo, usedUp } from '../child-budget.ts';
import { childRef } from '../child-runs.ts';
import { takeAlone } from '../exclusive.ts';
import { insertRun, type PreparedRun } from '../insert-run.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { appendResult } from '../requests.ts';
import { append, type RunRecord, specOf } from '../run-row.ts';
import type { Lease } from './begin-turn.ts';
import { activeRuns } from './create-run.ts';
import { givenUp, heldLease, stepDone } from './held-lease.ts';
import { insertThread } from './threads.ts';

/** Runs above a child: its parent, the parent's parent, … An agent that hands its task on and on is stopped here. */
export const MAX_DEPTH = 8;
type CreateChild = {
  lease: Lease;
  call_id: string;
  turn: number;
  child: PreparedRun;
  /** Runs of the organisation that may be active at a time; null: any number. */
  active_limit: number | null;
};

/**
 * Makes the run that answers a call of `run_agent`, on a thread of its own, its budget held to what its parent has left, and says
 * so in the parent's events. What stands in its way is the call's result. Errors: `steps.superseded`.
 */
export async function createChild(trx: Trx, args: CreateChild, ctx: TransactionContext): Promise<CallOutcome> {
  // Before the run's row, as a create takes them that cancels a run.
  if (args.active_limit !== null) await takeAlone(trx, args.lease.org_id, 'active runs');
  const { run } = await heldLease(trx, args.lease);
  if (run.status === 'cancelling') return await givenUp(trx, args.lease);
  const ceiling = await ceilingFor(trx, run, args.turn, ctx.now);
  const refusal = await refused(trx, run, args, usedUp(ceiling), ceiling.max_cost_usd !== undefined);
  if (refusal) {
    await appendResult(trx, ctx, run, args.call_id, { status: 'error', output: refusal });
    await stepDone(trx, args.lease, { outcome: 'done' });
    return { outcome: 'done' };
  }
  const { child } = args;
  const parent = { ceiling, waited_ms: waitedMs(run, ctx.now) };
  // A child has no longer than its parent.
  const { expires_at } = specOf(run);
  const spec = { ...child.spec, budget: heldTo(child.spec.budget, ceiling), parent, expires_at };
  const id = newId('run');
  const thread_id = await insertThread(trx, ctx, run.org_id, { active_run_id: id });
  await insertRun(
    trx,
    ctx,
    ownerOf(run),
    { ...child, spec },
    {
      id,
      thread_id,
      parent: { run_id: run.id, call_id: args.call_id },
    },
  );
  await trx
    .updateTable('steps')
    .set({ state: 'child' })
    .where('run_id', '=', run.id)
    .where('step', '=', args.lease.step)
    .execute();
  const data = { call_id: args.call_id, run_id: id, thread_id, persona_id: child.persona_id };
  await append(trx, ctx, run, [{ type: 'tool.progress', data }]);
  const made = { ...child.route, id, thread_id, persona_id: child.persona_id };
  return { outcome: 'child', child: childRef({ ...made, epoch: 0, started_at: null }) };
}

async function refused(
  trx: Trx,
  run: RunRecord,
  { child, active_limit }: CreateChild,
  spent: string | undefined,
  needsPrice: boolean,
): Promise<string | undefined> {
  if (spent) return `Not started: nothing is left of the run's ${spent} for another agent.`;
  if (needsPrice && child.route.price === null) {
    return `Not started: the route ${child.route.id} has no price, so the run's limit in dollars could not be kept.`;
  }
  if (await isTooDeep(trx, run)) return `Not started: at most ${MAX_DEPTH} agents may stand above another.`;
  if (active_limit !== null && (await activeRuns(trx, run.org_id)) >= active_limit) {
    return `Not started: the organisation already has ${active_limit} active runs, its limit.`;
  }
  return undefined;
}

async function isTooDeep(trx: Trx, run: RunRecord): Promise<boolean> {
  let above = run.parent_run_id;
  for (let depth = 1; above !== null; depth++) {
    if (depth >= MAX_DEPTH) return true;
    const parent = await trx
      .selectFrom('runs')
      .select('parent_run_id')
      .where('id', '=', above)
      .where('org_id', '=', run.org_id)
      .executeTakeFirst();
    above = parent?.parent_run_id ?? null;
  }
  return false;
}

const ownerOf = (run: RunRecord) => ({
  org_id: run.org_id,
  trace_id: run.trace_id,
  user_id: run.created_by_user_id,
  user_name: run.created_by_user_name,
  user_email: run.created_by_email,
});
