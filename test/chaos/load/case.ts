/** What one client did and what must have come of it, for the oracle. */
import type { Plan } from '../plan.ts';
import type { Shown } from './chaos-client.ts';

export type ExpectedRun = {
  run_id: string;
  thread_id: string;
  plan: Plan;
  /** How it must end; a cancel may come too late. */
  ends: 'completed' | 'cancelled or completed';
};

export type Answered = { request_id: string; kind: string; content: string };

export type Case = {
  /** Also in the metadata of each run it creates. */
  id: string;
  scenario: string;
  runs: ExpectedRun[];
  /** What readers were shown of these runs and of their children. */
  shown: Shown[];
  /** Answers that were accepted. */
  answered: Answered[];
  /** Cancels that were accepted, and when: a run that has not ended by then is cancelled. */
  cancelled: { run_id: string; at: number }[];
  /** Whether its client came to its end; else why not. */
  failure?: string;
};
