/** What a run's workflow is started with, and the names by which it is spoken to. Types and names only. */

export const WORKFLOW_TYPE = 'agentRun';
export const INPUT_SIGNAL = 'input';
export const STATE_QUERY = 'state';
export const STATUS_ATTRIBUTE = 'HoldfastStatus';

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
