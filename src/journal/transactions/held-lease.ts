import type { Trx } from '../journal.ts';
import { lockRunAnd, type RunRecord } from '../run-row.ts';
import { superseded } from './append-deltas.ts';
import { findStep, type Lease, type StepRecord } from './begin-turn.ts';

/**
 * The run and step of a lease that is still held, the run locked. A run that has ended holds no lease.
 * Errors: `steps.superseded`.
 */
export async function heldLease(trx: Trx, lease: Lease): Promise<{ run: RunRecord; step: StepRecord }> {
  const find = () => findStep(trx, lease.run_id, lease.step);
  const [run, step] = await lockRunAnd(trx, lease.org_id, lease.run_id, find);
  if (run.ended || step?.state !== 'leased' || step.token !== lease.token) throw superseded(lease);
  return { run, step };
}

/** Gives back the lease of a step that its run's cancel has overtaken: from now on it is not at work. */
export async function givenUp(trx: Trx, lease: Lease): Promise<{ outcome: 'cancelled' }> {
  await trx
    .updateTable('steps')
    .set({ state: 'released', release_reason: 'cancelled' })
    .where('run_id', '=', lease.run_id)
    .where('step', '=', lease.step)
    .execute();
  return { outcome: 'cancelled' };
}

/** Marks a step's outcome, so that whoever asks for the step again is told instead of doing it twice. */
export async function stepDone(trx: Trx, lease: Lease, outcome: unknown): Promise<void> {
  await trx
    .updateTable('steps')
    .set({ state: 'done', outcome: JSON.stringify(outcome) })
    .where('run_id', '=', lease.run_id)
    .where('step', '=', lease.step)
    .execute();
}
