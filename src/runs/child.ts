import type { FileConfig } from '../config.ts';
import type { PreparedRun } from '../journal/insert-run.ts';
import type { Models } from '../models/types.ts';
import type { AgentTask } from '../tools/run-agent.ts';
import { prepareRun } from './create.ts';
import type { Personas } from './personas.ts';

/** What a call of `run_agent` asks for, as the run it becomes. Errors: `personas.not_found`, `validation.failed`. */
export function createChildPreparer(personas: Personas, models: Models, file: FileConfig) {
  return async (orgId: string, { persona, input }: AgentTask): Promise<PreparedRun> =>
    prepareRun({ input }, await personas.get(orgId, persona), models, file);
}
