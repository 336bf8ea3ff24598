import type { RunRef, Stop } from '../src/runs/outcomes.ts';
import type { FinishAs } from '../workflows/activities.ts';
import type { ActivityDeps } from './activity-deps.ts';

/**
 * Ends the run in the journal. When the workflow learned of the cancel from the journal first, Temporal is asked to cancel it
 * before the terminal event, which deletes the intent that would have asked: so the workflow can close as Canceled.
 */
export async function finishRun(deps: ActivityDeps, args: RunRef & FinishAs): Promise<Stop> {
  const { ask_cancel, ...finish } = args;
  if (ask_cancel) await deps.cancelWorkflow(args.run_id);
  return await deps.journal.write('finishRun', finish);
}
