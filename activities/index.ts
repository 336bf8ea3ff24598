/** The steps of a run as Temporal activities: one file each, bound here to what they work with. */
import type { RunActivities } from '../workflows/activities.ts';
import type { ActivityDeps } from './activity-deps.ts';
import { finishRun } from './finish-run.ts';
import { modelTurn } from './model-turn.ts';
import { toolCall } from './tool-call.ts';

export type { ActivityDeps } from './activity-deps.ts';

export function createActivities(deps: ActivityDeps): RunActivities {
  return {
    modelTurn: (args) => modelTurn(deps, args),
    toolCall: (args) => toolCall(deps, args),
    finishRun: (args) => finishRun(deps, args),
    loadRun: (args) => deps.write('loadRun', args),
    expireInput: (args) => deps.write('expireInput', args),
  };
}
