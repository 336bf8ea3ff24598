/** The steps of a run as Temporal activities: one file each, bound here to what they work with. */
import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { HoldfastError, isHoldfastError } from '../src/errors.ts';
import type { Stop } from '../src/runs/outcomes.ts';
import type { RunActivities } from '../workflows/activities.ts';
import type { ActivityDeps } from './activity-deps.ts';
import { finishRun } from './finish-run.ts';
import { modelTurn } from './model-turn.ts';
import { toolCall } from './tool-call.ts';

export type { ActivityDeps } from './activity-deps.ts';

export function createActivities(deps: ActivityDeps): RunActivities {
  return {
    modelTurn: (args) => step(deps, args.run_id, modelTurn(deps, args)),
    toolCall: (args) => step(deps, args.run_id, toolCall(deps, args)),
    finishRun: (args) => step(deps, args.run_id, finishRun(deps, args)),
    loadRun: (args) => step(deps, args.run_id, deps.journal.write('loadRun', args)),
    expireInput: (args) => step(deps, args.run_id, deps.journal.write('expireInput', args)),
  };
}

/**
 * What leaves a step for Temporal's history: outcomes, Temporal's own failures, and of any other error its code alone (its
 * message may hold a text of user or model; the log has it). A run that is no longer in the journal needs no workflow.
 */
async function step<T>(deps: ActivityDeps, runId: string, outcome: Promise<T>): Promise<T | Stop> {
  try {
    return await outcome;
  } catch (error) {
    if (isHoldfastError(error, 'runs.not_found')) return { outcome: 'superseded' };
    if (error instanceof ApplicationFailure || error instanceof CancelledFailure) throw error;
    deps.log.warn({ run_id: runId, err: error }, 'a step failed and is tried again');
    const type = error instanceof HoldfastError ? error.code : 'step.error';
    throw ApplicationFailure.create({ type, message: 'The step failed; the log of its worker says why.' });
  }
}
