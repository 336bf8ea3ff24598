/** What a run's workflow is started with, and the names by which it is spoken to. Types and names only. */

export const WORKFLOW_TYPE = 'agentRun';
export const INPUT_SIGNAL = 'input';
export const STATE_QUERY = 'state';

/** A workflow task that is not answered in this time goes to another worker (the default costs a killed worker 10 s). */
export const WORKFLOW_TASK_TIMEOUT_MS = 3_000;

/** What the Web UI's list says of a run. */
export const summaryOf = (run: { persona: string; model: string }) => `${run.persona} on ${run.model}`;

export type AgentRunInput = {
  org_id: string;
  run_id: string;
  /** Which copy of the workflow this is; an older one may no longer write. */
  epoch: number;
  /** Ask the journal where the run is before the first step: a rebuild, or a run continued as new. */
  resume: boolean;
  /** The cluster knows our search attributes. */
  searchable: boolean;
  /** Names for the Web UI. */
  persona: string;
  model: string;
};

/** The live picture that the query `state` gives. */
export type RunState = {
  turn: number;
  step: string;
  waiting_for: string[];
  epoch: number;
};
