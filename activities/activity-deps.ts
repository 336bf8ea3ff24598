import type { Logger } from 'pino';
import type { PreparedRun } from '../src/journal/insert-run.ts';
import type { Journal } from '../src/journal/journal.ts';
import type { Models } from '../src/models/types.ts';
import type { Telemetry } from '../src/telemetry/telemetry.ts';
import type { AgentTask } from '../src/tools/run-agent.ts';
import type { Toolbox } from '../src/tools/toolbox.ts';
import type { Handover } from './handover.ts';

/** What the steps of a run work with. */
export type ActivityDeps = {
  journal: Journal;
  /** The journal's `write` that outlasts a short outage (`patientWrite`). */
  write: Journal['write'];
  models: Models;
  tools: Toolbox;
  /** The run that a call of `run_agent` asks for. Errors: `personas.not_found`, `validation.failed`. */
  prepareChild(orgId: string, task: AgentTask): Promise<PreparedRun>;
  /** Runs of one organisation that may be active at a time; null: any number. */
  activeLimit: number | null;
  /** When the worker's end hands over what is still at work. */
  handover: Handover;
  log: Logger;
  telemetry: Telemetry;
  /** Asks Temporal to cancel the run's workflow; repeating it is harmless. */
  cancelWorkflow(runId: string): Promise<void>;
};
