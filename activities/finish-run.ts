import { setTimeout as delay } from 'node:timers/promises';
import { heartbeat } from '@temporalio/activity';
import { activeChildren } from '../src/journal/child-runs.ts';
import type { Journal } from '../src/journal/journal.ts';
import type { RunRef, Stop } from '../src/runs/outcomes.ts';
import type { FinishAs } from '../workflows/activities.ts';
import type { ActivityDeps } from './activity-deps.ts';
import { leftToTheNext } from './handover.ts';

/** How long a cancelled run waits for its children to end: a tool of theirs has 5 s, then they name it as unfinished. */
const CHILDREN_END_MS = 12_000;
/** Ends of children in another process are looked for this often. */
const LOOK_EVERY_MS = 250;

/**
 * Ends the run in the journal. When the workflow learned of the cancel from the journal first, Temporal is asked to cancel it
 * before the terminal event, which deletes the intent that would have asked: so the workflow can close as Canceled. Children end
 * before their parent; one that does not is named as unfinished.
 */
export async function finishRun(deps: ActivityDeps, args: RunRef & FinishAs): Promise<Stop> {
  const { ask_cancel, ...finish } = args;
  if (ask_cancel) await deps.cancelWorkflow(args.run_id);
  if (finish.as.status === 'cancelled' && (await hasActiveChildren(deps.journal, args))) {
    await deps.journal.write('cancelChildren', { org_id: args.org_id, run_id: args.run_id, epoch: args.epoch });
    await childrenEnd(deps, args);
  }
  return await deps.journal.write('finishRun', finish);
}

async function childrenEnd({ journal, handover }: ActivityDeps, run: RunRef): Promise<void> {
  const until = Date.now() + CHILDREN_END_MS;
  while (Date.now() < until && (await hasActiveChildren(journal, run))) {
    if (handover.repeatable.aborted) throw leftToTheNext();
    heartbeat();
    await delay(LOOK_EVERY_MS);
  }
}

const hasActiveChildren = async (journal: Journal, { org_id, run_id }: RunRef): Promise<boolean> =>
  (await activeChildren(journal.db, { org_id, id: run_id })).length > 0;
