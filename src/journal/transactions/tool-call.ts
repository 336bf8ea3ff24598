import type { Selectable } from 'kysely';
import type { CallOutcome, RunRef, Wait } from '../../runs/outcomes.ts';
import { timeLeftMs } from '../budget.ts';
import { callRefs } from '../call-refs.ts';
import { activeChildren, childOf, childRef, collectChild } from '../child-runs.ts';
import { endRun, type UnfinishedCall } from '../end-run.ts';
import { forgetStart } from '../intents.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { appendResult, openRequest } from '../requests.ts';
import { expiryReached } from '../run-limits.ts';
import { append, lockRunAnd, type RunRecord } from '../run-row.ts';
import type { CallStatus, Schema } from '../schema.ts';
import {
  endedAs,
  findStep,
  giveLease,
  isGiven,
  type Lease,
  leaseOf,
  lostWorkers,
  MAX_LOST_WORKERS,
  type Repeatable,
  stopOf,
} from './begin-turn.ts';
import { givenUp, heldLease, stepDone } from './held-lease.ts';

/** A person said that a call which was cut off is to be made once more: why its step holds no lease. */
export const RETRY_APPROVED = 'retry_approved';

type CallRecord = Selectable<Schema['calls']>;

export type BegunCall =
  | {
      begun: true;
      lease: Lease;
      call: Pick<CallRecord, 'call_id' | 'name' | 'kind'> & {
        arguments: unknown;
        offered: boolean;
        may_repeat: boolean;
      };
      /** Whole milliseconds that are left of the run's time; undefined: it has no limit. */
      time_left_ms: number | undefined;
    }
  | { begun: false; outcome: CallOutcome };

/** Begins one call of a turn under a lease of its own, or tells its recorded outcome, or the child run that answers it. */
export async function beginCall(
  trx: Trx,
  args: RunRef & { turn: number; idx: number } & Repeatable,
  ctx: TransactionContext,
): Promise<BegunCall> {
  const [run, call] = await lockRunAnd(trx, args.org_id, args.run_id, () => findCall(trx, args));
  const step = `call:${call?.call_id}`;
  const known = call && (await findStep(trx, run.id, step));
  if (call && isGiven(known, args)) return begunCall(leaseOf(run, known), run, call, ctx);
  const stop = stopOf(run, args.epoch);
  if (stop) return { begun: false, outcome: stop };
  if (!call) return { begun: false, outcome: { outcome: 'behind' } };
  if (call.status !== 'pending') return { begun: false, outcome: { outcome: 'done' } };
  await forgetStart(trx, run.id);
  const limit = expiryReached(run, ctx.now);
  if (limit) {
    await endRun(trx, ctx, run, { as: 'failed', ...limit });
    return { begun: false, outcome: endedAs(run) };
  }
  if (known?.state === 'child') return { begun: false, outcome: await answeredByChild(trx, ctx, run, call) };
  const lost = lostWorkers(known);
  if (lost >= MAX_LOST_WORKERS) {
    const message = `The call ${call.call_id} of ${call.name} lost its worker ${lost} times.`;
    await endRun(trx, ctx, run, { as: 'failed', code: 'engine.crash_loop', message });
    return { begun: false, outcome: endedAs(run) };
  }
  const request = await requestFor(trx, ctx, run, call, known !== undefined && known.release_reason !== RETRY_APPROVED);
  if (request) return { begun: false, outcome: { outcome: 'wait', wait: request } };
  if ((timeLeftMs(run, ctx.now) ?? 1) <= 0) return await notRun(trx, ctx, run, call, step);
  const own = { message_id: null, provider_errors: 0 };
  return begunCall(await giveLease(trx, ctx, run, step, known, own, args), run, call, ctx);
}

function begunCall(lease: Lease, run: RunRecord, call: CallRecord, { now }: TransactionContext): BegunCall {
  const left = timeLeftMs(run, now);
  return {
    begun: true,
    lease,
    time_left_ms: left === undefined ? undefined : Math.ceil(left),
    call: {
      call_id: call.call_id,
      name: call.name,
      kind: call.kind,
      arguments: JSON.parse(call.arguments),
      offered: call.offered === 1,
      may_repeat: call.may_repeat === 1,
    },
  };
}

function findCall(trx: Trx, at: { run_id: string; turn: number; idx: number }): Promise<CallRecord | undefined> {
  return trx
    .selectFrom('calls')
    .selectAll()
    .where('run_id', '=', at.run_id)
    .where('turn', '=', at.turn)
    .where('idx', '=', at.idx)
    .executeTakeFirst();
}

/** The run's time is over before the call could begin, or begin again. */
async function notRun(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  call: CallRecord,
  step: string,
): Promise<BegunCall> {
  const output = "Not run: the run's time is used up.";
  await appendResult(trx, ctx, run, call.call_id, { status: 'timeout', output, duration_ms: 0 });
  await trx.updateTable('steps').set({ state: 'done' }).where('run_id', '=', run.id).where('step', '=', step).execute();
  return { begun: false, outcome: { outcome: 'done' } };
}

/** The call's result, once its child has ended; until then the child. */
async function answeredByChild(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  call: CallRecord,
): Promise<CallOutcome> {
  const child = await childOf(trx, run.org_id, call.call_id);
  if (child && !child.ended) return { outcome: 'child', child: childRef(child) };
  if (child) await collectChild(trx, ctx, run, call.call_id, child);
  else
    await appendResult(trx, ctx, run, call.call_id, { status: 'error', output: 'The run that was to answer is gone.' });
  return { outcome: 'done' };
}

/**
 * The request that a call waits for before it is made: its approval, or what became of an execution that was cut off. A tool
 * that may be repeated is simply called again, with the same call id.
 */
async function requestFor(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  call: CallRecord,
  wasCutOff: boolean,
): Promise<Wait | undefined> {
  const [ref] = callRefs([call]);
  const open = await trx
    .selectFrom('inputs')
    .select(['id', 'expires_at'])
    .where('call_id', '=', call.call_id)
    .where('run_id', '=', run.id)
    .where('state', '=', 'open')
    .executeTakeFirst();
  if (open) return [open.id, open.expires_at, ref];
  if (!wasCutOff || call.may_repeat) return undefined;
  const { wait, event } = await openRequest(trx, ctx, run, {
    kind: 'unknown_outcome',
    prompt: `${call.name} was cut off: its worker was lost while it ran, and nobody knows whether it acted. What now?`,
    options: ['retry', 'skip', 'result: <text>'],
    tool_calls: [{ call_id: call.call_id, name: call.name, arguments: JSON.parse(call.arguments) }],
    call_id: call.call_id,
  });
  await append(trx, ctx, run, [event]);
  return [wait[0], wait[1], ref];
}

/** The calls of a run whose execution or child has neither ended nor been given up: at a cancel, what could not be stopped. */
export async function callsAtWork(trx: Trx, run: RunRecord): Promise<UnfinishedCall[]> {
  return [...(await callsExecuting(trx, run.id)), ...(await callsWithChildren(trx, run))];
}

async function callsWithChildren(trx: Trx, run: RunRecord): Promise<UnfinishedCall[]> {
  const children = await activeChildren(trx, run);
  return children.map((child) => ({ call_id: child.parent_call_id ?? '', name: 'run_agent', run_id: child.id }));
}

async function callsExecuting(trx: Trx, runId: string): Promise<UnfinishedCall[]> {
  const steps = await trx
    .selectFrom('steps')
    .select('step')
    .where('run_id', '=', runId)
    .where('state', '=', 'leased')
    .where('step', 'like', 'call:%')
    .execute();
  if (steps.length === 0) return [];
  const ids = steps.map(({ step }) => step.slice('call:'.length));
  return await trx
    .selectFrom('calls')
    .select(['call_id', 'name'])
    .where('call_id', 'in', ids)
    .where('run_id', '=', runId)
    .execute();
}

/** Gives a call's lease back unanswered: it was cut off, by its worker's end or by a lost connection. Errors: `steps.superseded`. */
export async function releaseCall(trx: Trx, args: { lease: Lease }, _ctx: TransactionContext): Promise<void> {
  await heldLease(trx, args.lease);
  await trx
    .updateTable('steps')
    .set({ state: 'released', release_reason: 'cut_off' })
    .where('run_id', '=', args.lease.run_id)
    .where('step', '=', args.lease.step)
    .execute();
}

/** Records a call's result. While a cancel is requested it is refused as cancelled. Errors: `steps.superseded`. */
export async function completeCall(
  trx: Trx,
  args: { lease: Lease; call_id: string; status: CallStatus; output: string; duration_ms: number },
  ctx: TransactionContext,
): Promise<CallOutcome> {
  const { run } = await heldLease(trx, args.lease);
  if (run.status === 'cancelling') return await givenUp(trx, args.lease);
  await appendResult(trx, ctx, run, args.call_id, args);
  await stepDone(trx, args.lease, { outcome: 'done' });
  return { outcome: 'done' };
}
