import { HoldfastError } from '../../errors.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { jsonOf, type NewEvent } from '../run-row.ts';
import type { Lease } from './begin-turn.ts';

/**
 * Appends what a step says while it works. The run's row is taken first and numbers the events; the lease is looked at after that, in a
 * statement of its own: one that waited for the row would still see the lease as it was before. So a worker whose lease was replaced,
 * or whose run has ended, writes nothing. SQLite has it in terms of its own. Errors: `steps.superseded`.
 */
export async function appendDeltas(
  trx: Trx,
  args: { lease: Lease; events: NewEvent[] },
  ctx: TransactionContext,
): Promise<void> {
  const { lease, events } = args;
  const run = await trx
    .updateTable('runs')
    .set((eb) => ({
      last_seq: eb('last_seq', '+', events.length),
      // As `append`: what waited for the row is the later one all the same. `val`: a bare number is written into the statement, which
      // would be another one each time.
      last_event_at: eb
        .case()
        .when('last_event_at', '>', ctx.now)
        .then(eb.ref('last_event_at'))
        .else(eb.val(ctx.now))
        .end(),
    }))
    .where('id', '=', lease.run_id)
    .where('org_id', '=', lease.org_id)
    .where('ended', '=', 0)
    .returning(['last_seq', 'last_event_at'])
    .executeTakeFirst();
  if (!run || !(await isHeld(trx, lease))) throw superseded(lease);
  const rows = events.map((event, i) => ({
    run_id: lease.run_id,
    seq: run.last_seq - events.length + 1 + i,
    type: event.type,
    data: jsonOf(event),
    created_at: run.last_event_at,
  }));
  await trx.insertInto('events').values(rows).execute();
  ctx.appended.push({ run_id: lease.run_id, last_seq: run.last_seq, events: rows });
}

async function isHeld(trx: Trx, lease: Lease): Promise<boolean> {
  const held = await trx
    .selectFrom('steps')
    .select('token')
    .where('run_id', '=', lease.run_id)
    .where('step', '=', lease.step)
    .where('state', '=', 'leased')
    .where('token', '=', lease.token)
    .executeTakeFirst();
  return held !== undefined;
}

export function superseded(lease: Lease): HoldfastError {
  return new HoldfastError(
    'steps.superseded',
    `Attempt ${lease.attempt} of ${lease.step} of ${lease.run_id} no longer holds its lease.`,
  );
}
