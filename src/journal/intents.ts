/** The outbox: what the journal has promised and Temporal (or another run) has not yet shown. */
import { newId } from '../ids.ts';
import type { TransactionContext, Trx } from './journal.ts';
import type { OutboxKind } from './schema.ts';

/** First wait before an intent is delivered again; it doubles up to the last. */
export const OUTBOX_FIRST_RETRY_MS = 5_000;
export const OUTBOX_LAST_RETRY_MS = 300_000;
/** The longest wait for an answer's intent while other requests keep the run waiting: each delivery wakes its workflow. */
export const PARKED_RETRY_MS = 6 * 60 * 60 * 1000;

/**
 * Writes an intent that the journal keeps until its effect shows. It is delivered right after the commit, and again by
 * whoever finds it due. `afterMs`: a workflow is about to have the effect, and only if it does not is the intent delivered.
 */
export async function putIntent(
  trx: Trx,
  ctx: TransactionContext,
  run: { id: string; org_id: string },
  kind: OutboxKind,
  ref: string,
  afterMs?: number,
): Promise<void> {
  await trx
    .insertInto('outbox')
    .values({
      id: newId('out'),
      org_id: run.org_id,
      run_id: run.id,
      kind,
      ref,
      attempts: 0,
      next_at: ctx.now + (afterMs ?? OUTBOX_FIRST_RETRY_MS),
      created_at: ctx.now,
    })
    .onConflict((oc) => oc.columns(['run_id', 'kind', 'ref']).doNothing())
    .execute();
  if (afterMs === undefined) ctx.intents.push({ org_id: run.org_id, run_id: run.id, kind, ref });
}

/** The intents of a run whose effect a begun turn shows: the start, every answer already given, every child that ended. */
export async function forgetDelivered(trx: Trx, runId: string): Promise<void> {
  await trx.deleteFrom('outbox').where('run_id', '=', runId).where('kind', 'in', ['start', 'input', 'child']).execute();
}

/** A begun call shows the start; answers given meanwhile are shown by the next turn alone. */
export async function forgetStart(trx: Trx, runId: string): Promise<void> {
  await trx.deleteFrom('outbox').where('run_id', '=', runId).where('kind', '=', 'start').execute();
}
