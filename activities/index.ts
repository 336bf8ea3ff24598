/** The steps of a run as Temporal activities: one file each, bound here to what they work with. */
import { ApplicationFailure, activityInfo, CancelledFailure } from '@temporalio/activity';
import { HoldfastError, isHoldfastError } from '../src/errors.ts';
import type { RunRef, Stop } from '../src/runs/outcomes.ts';
import { observeStep, type StepName } from '../src/telemetry/observe-steps.ts';
import type { RunActivities } from '../workflows/activities.ts';
import type { ActivityDeps } from './activity-deps.ts';
import { finishRun } from './finish-run.ts';
import { leftToTheNext } from './handover.ts';
import { modelTurn } from './model-turn.ts';
import { toolCall } from './tool-call.ts';

export type { ActivityDeps } from './activity-deps.ts';

export function createActivities(deps: ActivityDeps): RunActivities {
  return {
    modelTurn: (args) => step(deps, 'modelTurn', args, () => modelTurn(deps, args)),
    toolCall: (args) => step(deps, 'toolCall', args, () => toolCall(deps, args)),
    finishRun: (args) => step(deps, 'finishRun', args, () => finishRun(deps, args)),
    loadRun: (args) => step(deps, 'loadRun', args, () => deps.journal.write('loadRun', args)),
    expireInput: (args) => step(deps, 'expireInput', args, () => deps.journal.write('expireInput', args)),
  };
}

/**
 * What leaves a step for Temporal's history: outcomes, Temporal's own failures, and of any other error its code alone (its
 * message may hold a text of user or model; the log has it). A run that is no longer in the journal needs no workflow.
 */
async function step<T extends { outcome: string }>(
  deps: ActivityDeps,
  name: StepName,
  run: RunRef,
  work: () => Promise<T>,
): Promise<T | Stop> {
  // It came while the worker was ending: nothing of it has begun, so there is nothing to ask about.
  if (deps.handover.repeatable.aborted) throw leftToTheNext();
  const { attempt } = activityInfo();
  return await observeStep(deps.telemetry, deps.journal, { name, run, attempt }, async () => {
    try {
      return await work();
    } catch (error) {
      if (isHoldfastError(error, 'runs.not_found')) return { outcome: 'superseded' };
      if (error instanceof ApplicationFailure || error instanceof CancelledFailure) throw error;
      const trace_id = deps.telemetry.tracing.current()?.trace_id;
      const { run_id } = run;
      deps.log.warn({ run_id, ...(trace_id ? { trace_id } : {}), err: error }, 'a step failed and is tried again');
      const type = error instanceof HoldfastError ? error.code : 'step.error';
      throw ApplicationFailure.create({ type, message: 'The step failed; the log of its worker says why.' });
    }
  });
}
