/** Transactions of the engine's side: where a run stands, its rebuild, and the intents that wait for Temporal. */
import type { Position, RunRef, Stop } from '../../runs/outcomes.ts';
import { callRefs } from '../call-refs.ts';
import { runsBesideOthers } from '../exclusive.ts';
import {
  forgetDelivered,
  OUTBOX_FIRST_RETRY_MS,
  OUTBOX_LAST_RETRY_MS,
  PARKED_RETRY_MS,
  putIntent,
} from '../intents.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { EXECUTED_KINDS, isReleased } from '../open-calls.ts';
import { openWaits } from '../requests.ts';
import { lockRun } from '../run-row.ts';
import type { OutboxKind } from '../schema.ts';
import { untilOf } from '../timers.ts';
import { stopOf } from './begin-turn.ts';

/** Where the journal says a run is: how a rebuilt or continued workflow begins. */
export async function loadRun(trx: Trx, args: RunRef, _ctx: TransactionContext): Promise<Stop | Position> {
  const run = await lockRun(trx, args.org_id, args.run_id);
  const stop = stopOf(run, args.epoch);
  if (stop) return stop;
  await forgetDelivered(trx, run.id);
  const calls = await trx
    .selectFrom('calls')
    .select(['idx', 'name', 'offered'])
    .where('run_id', '=', run.id)
    .where('status', '=', 'pending')
    .where('kind', 'in', EXECUTED_KINDS)
    .where(isReleased)
    .orderBy('idx')
    .execute();
  const timers = await trx
    .selectFrom('calls')
    .select('due_at')
    .where('run_id', '=', run.id)
    .where('status', '=', 'pending')
    .where('kind', '=', 'timer')
    .execute();
  return {
    outcome: 'position',
    turn: await nextTurn(trx, run.id),
    calls: callRefs(calls),
    waits: await openWaits(trx, run.id),
    ...untilOf(timers),
  };
}

/** The turn after the last one done. */
export async function nextTurn(trx: Trx, runId: string): Promise<number> {
  const row = await trx
    .selectFrom('steps')
    .select((eb) => eb.fn.countAll<number>().as('done'))
    .where('run_id', '=', runId)
    .where('step', 'like', 'turn:%')
    .where('state', '=', 'done')
    .executeTakeFirstOrThrow();
  return Number(row.done) + 1;
}

/**
 * Gives a run whose workflow Temporal no longer knows a new copy: the epoch goes up, so that nothing of the old copy can
 * write, and a start is put in the outbox. False when another process did so first, the run has ended, or it waits for its thread.
 */
export async function rebuildRun(trx: Trx, args: RunRef, ctx: TransactionContext): Promise<boolean> {
  const run = await lockRun(trx, args.org_id, args.run_id);
  if (run.ended || run.epoch !== args.epoch || run.queued_input !== null) return false;
  await trx
    .updateTable('runs')
    .set({ epoch: run.epoch + 1 })
    .where('id', '=', run.id)
    .where('org_id', '=', run.org_id)
    .execute();
  await trx
    .updateTable('steps')
    .set({ token: '' })
    .where('run_id', '=', run.id)
    .where('state', '=', 'leased')
    .execute();
  await trx.deleteFrom('outbox').where('run_id', '=', run.id).where('kind', '=', 'start').execute();
  await putIntent(trx, ctx, run, 'start', '');
  return true;
}

export type DueIntent = {
  id: string;
  org_id: string;
  run_id: string;
  kind: OutboxKind;
  ref: string;
  epoch: number;
  /** How often it was claimed before. */
  attempts: number;
};

/**
 * Claims intents that are due, as many of each organisation as of the others and the oldest of each (so in order for each run), and
 * sets when each is due again should its effect not show. A run that has ended, or is gone, needs no telling.
 */
export async function claimIntents(trx: Trx, args: { limit: number }, ctx: TransactionContext): Promise<DueIntent[]> {
  const due = await trx
    .selectFrom('outbox')
    .leftJoin('runs', 'runs.id', 'outbox.run_id')
    .select([
      'outbox.id',
      'outbox.org_id',
      'outbox.run_id',
      'outbox.kind',
      'outbox.ref',
      'outbox.attempts',
      'runs.epoch',
      'runs.status',
      'runs.ended',
    ])
    .where('outbox.id', 'in', (eb) =>
      eb
        .selectFrom(dueInTurn(trx, ctx.now).as('due'))
        .select('due.id')
        .orderBy('due.place')
        .orderBy('due.id')
        .limit(args.limit),
    )
    .orderBy('outbox.id')
    // Asked again of the locked row: another process may have claimed it since.
    .where('outbox.next_at', '<=', ctx.now)
    // What another process claims at this moment is its to deliver.
    .$if(runsBesideOthers(trx), (query) => query.forUpdate('outbox').skipLocked())
    .execute();
  const claimed: DueIntent[] = [];
  for (const { attempts, status, ended, epoch, ...intent } of due) {
    if (ended !== 0 || epoch === null) {
      await trx.deleteFrom('outbox').where('id', '=', intent.id).where('org_id', '=', intent.org_id).execute();
      continue;
    }
    claimed.push({ ...intent, epoch, attempts });
    const longest = intent.kind === 'input' && status === 'waiting_for_input' ? PARKED_RETRY_MS : OUTBOX_LAST_RETRY_MS;
    const wait = Math.min(OUTBOX_FIRST_RETRY_MS * 2 ** attempts, longest);
    await trx
      .updateTable('outbox')
      .set({ attempts: attempts + 1, next_at: ctx.now + wait })
      .where('id', '=', intent.id)
      .where('org_id', '=', intent.org_id)
      .execute();
  }
  return claimed;
}

/** What is due, each with its place among its organisation's own. */
function dueInTurn(trx: Trx, now: number) {
  return trx
    .selectFrom('outbox')
    .select((eb) => [
      'id',
      eb.fn
        .agg<number>('row_number')
        .over((over) => over.partitionBy('org_id').orderBy('id'))
        .as('place'),
    ])
    .where('next_at', '<=', now);
}

/** Makes every waiting intent due at once: Temporal is back. One that is claimed or shown at this moment needs it no more. */
export async function expediteIntents(trx: Trx, _args: Record<string, never>, ctx: TransactionContext): Promise<void> {
  const waiting = trx
    .selectFrom('outbox')
    .select('id')
    .where('next_at', '>', ctx.now)
    .$if(runsBesideOthers(trx), (query) => query.forUpdate().skipLocked());
  await trx.updateTable('outbox').set({ next_at: ctx.now }).where('id', 'in', waiting).execute();
}

/**
 * Remembers a fact of the installation, such as the identity of Temporal's namespace, in the place of `from` (null: of nothing), where
 * it is given. False when another value was there.
 */
export async function setMeta(
  trx: Trx,
  args: { key: string; value: string; from?: string | null },
  _ctx: TransactionContext,
): Promise<boolean> {
  const { key, value, from } = args;
  const set = await trx
    .insertInto('meta')
    .values({ key, value })
    .onConflict((oc) => {
      const replaced = oc.column('key').doUpdateSet({ value });
      return from === undefined ? replaced : replaced.where('meta.value', '=', from ?? value);
    })
    .returning('key')
    .executeTakeFirst();
  return set !== undefined;
}
