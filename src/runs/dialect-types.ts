/** What dialects ask of the core beyond the native contract's own words, and are shown. */
import type { FinishReason, ModelSettings } from '../models/types.ts';
import type { Answer, FunctionTool, MessageView, PendingInput, PersonaView, RunDetails, RunStatus } from './types.ts';

/** A message with when its turn began, why its model stopped, and the run that made it, where one did. */
export type ThreadMessage = MessageView & {
  began_at: string | null;
  finish_reason: FinishReason | null;
  run: { persona_id: string | null; status: RunStatus; error: RunDetails['error'] } | null;
};

/** A page in either order: what follows the object `after`, or (with `before` alone) what leads up to that object. */
export type CursorPage = { limit: number; order: 'asc' | 'desc'; after?: string; before?: string };

/** What a run was asked to be. */
export type RunTerms = {
  /** The model's name as it was asked for. */
  model: string;
  instructions: string;
  additional_instructions: string;
  functions: FunctionTool['function'][];
  settings: ModelSettings;
  max_prompt_tokens: number | null;
  max_completion_tokens: number | null;
  last_messages: number | null;
  expires_at: string | null;
  /** Which of these the run's own create gave; the others are its persona's, or its route's. */
  own: OwnTerm[];
};

/** A term that a run may leave to its persona. */
export type OwnTerm = 'model' | 'instructions' | keyof ModelSettings;

export type RunRequest = Omit<PendingInput, 'tool_calls'> & {
  /** The calls an answer gives results to; of a question its own. */
  tool_calls: { call_id: string; name: string; arguments: unknown }[];
  state: 'open' | 'answered' | 'withdrawn' | 'expired';
  answer: Answer | null;
};

/** What an active run is at. */
export type StandingOfRun = {
  /** Open ones. */
  requests: RunRequest[];
  /** Server-side calls are at work beside them. */
  calls_at_work: boolean;
  /** An answer was accepted and the step it leads to has not begun. */
  resuming: boolean;
};

/** A run as a dialect needs it that shows more than native rows. */
export type RunPicture = {
  run: RunDetails;
  terms: RunTerms;
  standing: StandingOfRun;
  /** Of a run that has completed: why its model stopped at last. */
  finish_reason: FinishReason | null;
};

/** An event of a run as a value; `created_at` in milliseconds since 1970. */
export type RunEvent = { seq: number; type: string; data: Record<string, unknown>; created_at: number };

/** A persona in its newest version, and when its first was made. */
export type DatedPersona = PersonaView & { first_created_at: string };
