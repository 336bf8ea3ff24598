/** What becomes of a run whose workflow may be gone or ended: decided by Temporal's own store, asked twice before a rebuild. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Journal } from '../journal/journal.ts';
import type { Engine } from './engine.ts';

/** Pause between the two looks that must agree before a run is rebuilt. */
const SECOND_LOOK_MS = 1_000;

/** `closedStands`: a start was just refused because a closed workflow has the run's id. */
export type Settle = (
  run: { org_id: string; run_id: string },
  options?: { closedStands: boolean },
) => Promise<'fine' | 'ended' | 'rebuilt' | 'held'>;

/**
 * Terminated, timed out or failed in Temporal: the run fails with `engine.terminated`. Not found, or closed as if done while
 * the journal goes on: rebuilt from the journal, if `mayRebuild` (the namespace is the one the journal knows).
 */
export function createSettle(deps: {
  journal: Journal;
  engine: Engine;
  log: Logger;
  mayRebuild: () => Promise<boolean>;
}): Settle {
  const { journal, engine, log } = deps;
  return async ({ org_id, run_id }, options) => {
    const epoch = await activeEpoch(journal, org_id, run_id);
    if (epoch === undefined) return 'fine';
    const { status } = await engine.describe(run_id);
    if (status === 'running') return 'fine';
    const ref = { org_id, run_id, epoch };
    if (status === 'terminated' || status === 'timed_out' || status === 'failed') {
      log.warn({ run_id, status }, 'the workflow of a run was ended from outside');
      const message = `The workflow ${run_id} was ended in Temporal (${status}).`;
      await journal.write('finishRun', { ...ref, as: { status: 'failed', code: 'engine.terminated', message } });
      return 'ended';
    }
    if (!options?.closedStands && (await startIsDue(journal, org_id, run_id))) return 'fine';
    if (!(await deps.mayRebuild())) return 'held';
    await delay(SECOND_LOOK_MS);
    const again = await engine.describe(run_id);
    if (again.status !== status || (await activeEpoch(journal, org_id, run_id)) !== epoch) return 'fine';
    const rebuilt = await journal.write('rebuildRun', ref);
    if (rebuilt) log.warn({ run_id, status, epoch: epoch + 1 }, 'a run is rebuilt from the journal');
    return rebuilt ? 'rebuilt' : 'fine';
  };
}

/** Its start is still to be delivered: that nothing is there yet means nothing. */
async function startIsDue(journal: Journal, orgId: string, runId: string): Promise<boolean> {
  const start = await journal.db
    .selectFrom('outbox')
    .select('id')
    .where('run_id', '=', runId)
    .where('org_id', '=', orgId)
    .where('kind', '=', 'start')
    .executeTakeFirst();
  return start !== undefined;
}

async function activeEpoch(journal: Journal, orgId: string, runId: string): Promise<number | undefined> {
  const run = await journal.db
    .selectFrom('runs')
    .select('epoch')
    .where('id', '=', runId)
    .where('org_id', '=', orgId)
    .where('ended', '=', 0)
    .executeTakeFirst();
  return run?.epoch;
}
