import type { CallOutcome, RunRef } from '../src/runs/outcomes.ts';
import type { ActivityDeps } from './activity-deps.ts';
import { openStepSignal } from './step-signal.ts';

/**
 * One call of a turn under a lease of its own. A call that has a result is not made again. A tool that is not (or no longer)
 * configured gives an error result to the model: the run goes on.
 */
export async function toolCall(deps: ActivityDeps, args: RunRef & { turn: number; idx: number }): Promise<CallOutcome> {
  const step = openStepSignal(deps.journal, args.run_id);
  try {
    const begun = await deps.write('beginCall', args);
    if (!begun.begun) return begun.outcome;
    const { lease, call } = begun;
    return await deps.write('completeCall', {
      lease,
      call_id: call.call_id,
      status: 'error',
      output: `There is no tool ${call.name}.`,
      duration_ms: 0,
    });
  } finally {
    step.done();
  }
}
