/** A cancel, as it goes through a run and its children in one transaction: parents are locked before their children. */
import type { Caller } from '../runs/types.ts';
import { activeChildren } from './child-runs.ts';
import { type Ending, endRun } from './end-run.ts';
import { putIntent } from './intents.ts';
import type { TransactionContext, Trx } from './journal.ts';
import { withdrawRequests } from './requests.ts';
import { append, lockRun, type RunRecord } from './run-row.ts';

/** Who cancels, as `run.cancel_requested` names it. */
export type Canceller = Pick<Caller, 'org_id' | 'key_id' | 'user_id'>;

/** Requests a cancel of a run that this transaction has locked, and of its active children. */
export async function cancelLocked(trx: Trx, ctx: TransactionContext, run: RunRecord, by: Canceller): Promise<void> {
  if (run.ended || run.status === 'cancelling') return;
  const requested = { type: 'run.cancel_requested', data: { by: by.user_id ?? by.key_id } };
  if (run.started_at === null) {
    const ending: Ending = { as: 'cancelled', reason: 'cancel_requested', unfinished: [] };
    await endRun(trx, ctx, run, ending, [requested]);
    return;
  }
  await append(trx, ctx, run, [requested]);
  await withdrawRequests(trx, ctx, run.id);
  await putIntent(trx, ctx, run, 'cancel', '');
  await cancelChildren(trx, ctx, run);
}

/** Requests a cancel of every active child of a locked run, as the run itself. */
export async function cancelChildren(trx: Trx, ctx: TransactionContext, run: RunRecord): Promise<void> {
  for (const child of await activeChildren(trx, run)) {
    const locked = await lockRun(trx, run.org_id, child.id);
    await cancelLocked(trx, ctx, locked, { org_id: run.org_id, key_id: run.id, user_id: null });
  }
}
