import type { TransactionContext, Trx } from '../journal.ts';
import { noRun } from '../run-row.ts';

/** Replaces a run's metadata, whatever the run is doing. Errors: `runs.not_found`. */
export async function updateRun(
  trx: Trx,
  args: { org_id: string; run_id: string; metadata: Record<string, string> },
  _ctx: TransactionContext,
): Promise<void> {
  const updated = await trx
    .updateTable('runs')
    .set({ metadata: JSON.stringify(args.metadata) })
    .where('id', '=', args.run_id)
    .where('org_id', '=', args.org_id)
    .returning('id')
    .executeTakeFirst();
  if (!updated) throw noRun(args.run_id);
}
