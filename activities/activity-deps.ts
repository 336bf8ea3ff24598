import type { Logger } from 'pino';
import type { Journal } from '../src/journal/journal.ts';
import type { Models } from '../src/models/types.ts';
import type { Toolbox } from '../src/tools/toolbox.ts';

/** What the steps of a run work with. */
export type ActivityDeps = {
  journal: Journal;
  /** The journal's `write` that outlasts a short outage (`patientWrite`). */
  write: Journal['write'];
  models: Models;
  tools: Toolbox;
  log: Logger;
  /** Asks Temporal to cancel the run's workflow; repeating it is harmless. */
  cancelWorkflow(runId: string): Promise<void>;
};
