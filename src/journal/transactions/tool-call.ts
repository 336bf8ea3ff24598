import { randomText } from '../../ids.ts';
import type { CallOutcome, RunRef } from '../../runs/outcomes.ts';
import { endRun } from '../end-run.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { recordResult } from '../requests.ts';
import { append, lockRun } from '../run-row.ts';
import type { CallStatus } from '../schema.ts';
import { endedAs, findStep, forgetStart, type Lease, MAX_LOST_WORKERS, saveLease, stopOf } from './begin-turn.ts';
import { heldLease, stepDone } from './held-lease.ts';

const TOKEN_LENGTH = 20;

export type BegunCall =
  | { begun: true; lease: Lease; call: { call_id: string; name: string; arguments: unknown } }
  | { begun: false; outcome: CallOutcome };

/** Begins one call of a turn under a lease of its own, or tells its recorded outcome. */
export async function beginCall(
  trx: Trx,
  args: RunRef & { turn: number; idx: number },
  ctx: TransactionContext,
): Promise<BegunCall> {
  const run = await lockRun(trx, args.org_id, args.run_id);
  const stop = stopOf(run, args.epoch);
  if (stop) return { begun: false, outcome: stop };
  const call = await trx
    .selectFrom('calls')
    .selectAll()
    .where('run_id', '=', run.id)
    .where('turn', '=', args.turn)
    .where('idx', '=', args.idx)
    .executeTakeFirst();
  if (!call) return { begun: false, outcome: { outcome: 'behind' } };
  if (call.status !== 'pending') return { begun: false, outcome: { outcome: 'done' } };
  await forgetStart(trx, run.id);
  const step = `call:${call.call_id}`;
  const known = await findStep(trx, run.id, step);
  const lost = (known?.lost_workers ?? 0) + (known?.state === 'leased' ? 1 : 0);
  if (lost >= MAX_LOST_WORKERS) {
    const message = `The call ${call.call_id} of ${call.name} lost its worker ${lost} times.`;
    await endRun(trx, ctx, run, { as: 'failed', code: 'engine.crash_loop', message });
    return { begun: false, outcome: endedAs(run) };
  }
  const attempt = (known?.attempt ?? 0) + 1;
  const token = randomText(TOKEN_LENGTH);
  await saveLease(trx, {
    run_id: run.id,
    step,
    state: 'leased',
    release_reason: null,
    attempt,
    token,
    message_id: null,
    outcome: null,
    provider_errors: 0,
    lost_workers: lost,
    from_seq: run.last_seq,
    started_at: ctx.now,
  });
  return {
    begun: true,
    lease: { org_id: run.org_id, run_id: run.id, step, token, attempt },
    call: { call_id: call.call_id, name: call.name, arguments: JSON.parse(call.arguments) },
  };
}

/** Records a call's result. While a cancel is requested it is refused as cancelled. Errors: `steps.superseded`. */
export async function completeCall(
  trx: Trx,
  args: { lease: Lease; call_id: string; status: CallStatus; output: string; duration_ms: number },
  ctx: TransactionContext,
): Promise<CallOutcome> {
  const { run } = await heldLease(trx, args.lease);
  if (run.status === 'cancelling') return { outcome: 'cancelled' };
  const result = await recordResult(trx, ctx, run.id, args.call_id, args);
  if (result) await append(trx, ctx, run, [result]);
  await stepDone(trx, args.lease, { outcome: 'done' });
  return { outcome: 'done' };
}
