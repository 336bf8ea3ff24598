/** What chaos strikes: a Holdfast as it is run, with a provider and an MCP server of its own. */
import type { Target } from '../schedule.ts';

/** Something that dies and freezes, and comes back. */
export type Victim = Target & {
  kill(): Promise<void>;
  /** After a kill. Resolves when it is started, not when it is ready. */
  restart(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
};

export type Form = {
  /** Where the API answers: any of these. */
  urls: string[];
  victims: Victim[];
  /** Files of stub provider and MCP server: a line of JSON for each answer and each execution. */
  providerLog: string;
  toolsLog: string;
  /** Whether a step whose process was killed is taken up by another that lives. */
  hasSpare: boolean;
  /** Names of processes of Holdfast that ended though nobody killed them. */
  ended: readonly string[];
  /** Whether everything that was struck is back and runs make progress. */
  isReady(): Promise<boolean>;
  /** What the processes wrote to their standard errors, for who looks into a failure. */
  said(): string;
  close(): Promise<void>;
};
