import type { Usage } from '../../../models/types.ts';
import type { RunPicture, RunTerms } from '../../../runs/dialect-types.ts';
import { type Action, actionsOf } from './actions.ts';
import { CUT, type IncompleteReason, type LastError, type Outcome, outcomeOf, wasCut } from './outcome.ts';
import { shownCalling, shownSettings, shownTools } from './settings.ts';
import { unixSeconds, unixSecondsOrNull } from './times.ts';

export type RunStatus =
  | 'queued'
  | 'in_progress'
  | 'requires_action'
  | 'cancelling'
  | 'cancelled'
  | 'failed'
  | 'completed'
  | 'incomplete'
  | 'expired';

/** What of a run never changes while it goes on. */
export type RunFacts = {
  id: string;
  thread_id: string;
  assistant_id: string;
  created_at: string;
  metadata: Record<string, string>;
  terms: RunTerms;
};

type Time = string | number | null;

/** How a run stands. Times are RFC 3339, or milliseconds since 1970. */
export type RunState = {
  status: RunStatus;
  started_at: Time;
  completed_at: Time;
  failed_at: Time;
  cancelled_at: Time;
  actions: Action[];
  last_error: LastError | null;
  incomplete: IncompleteReason | null;
  /** Null while the run is active. */
  usage: Usage | null;
};

/** A run as it is accepted. */
export const ACCEPTED: RunState = {
  status: 'queued',
  started_at: null,
  completed_at: null,
  failed_at: null,
  cancelled_at: null,
  actions: [],
  last_error: null,
  incomplete: null,
  usage: null,
};

const ENDED: readonly RunStatus[] = ['completed', 'failed', 'cancelled', 'incomplete', 'expired'];
export const hasEnded = (status: RunStatus) => ENDED.includes(status);

export function runObject(facts: RunFacts, state: RunState) {
  const { terms } = facts;
  return {
    id: facts.id,
    object: 'thread.run',
    created_at: unixSeconds(facts.created_at),
    thread_id: facts.thread_id,
    assistant_id: facts.assistant_id,
    status: state.status,
    required_action:
      state.status === 'requires_action'
        ? { type: 'submit_tool_outputs', submit_tool_outputs: { tool_calls: state.actions } }
        : null,
    last_error: state.last_error,
    expires_at: state.status === 'completed' ? null : unixSecondsOrNull(terms.expires_at),
    started_at: unixSecondsOrNull(state.started_at),
    cancelled_at: unixSecondsOrNull(state.cancelled_at),
    failed_at: unixSecondsOrNull(state.failed_at),
    completed_at: unixSecondsOrNull(state.completed_at),
    incomplete_details: state.incomplete === null ? null : { reason: state.incomplete },
    model: terms.model,
    instructions: [terms.instructions, terms.additional_instructions].filter((text) => text !== '').join('\n\n'),
    tools: shownTools(terms.functions),
    metadata: facts.metadata,
    usage: usageObject(state.usage),
    ...shownSettings(terms.settings),
    max_prompt_tokens: terms.max_prompt_tokens,
    max_completion_tokens: terms.max_completion_tokens,
    truncation_strategy: {
      type: terms.last_messages === null ? 'auto' : 'last_messages',
      last_messages: terms.last_messages,
    },
    ...shownCalling(terms.settings),
  };
}

export function usageObject(usage: Usage | null) {
  if (usage === null) return null;
  const { input_tokens: prompt_tokens, output_tokens: completion_tokens } = usage;
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

export function factsOf({ run, terms }: RunPicture): RunFacts {
  return {
    id: run.run_id,
    thread_id: run.thread_id,
    assistant_id: assistantIdOf(run.persona_id),
    created_at: run.created_at,
    metadata: run.metadata,
    terms,
  };
}

/** The assistant of a run is its persona, whatever version the run keeps. */
export const assistantIdOf = (personaId: string | null): string => (personaId ?? '').replace(/@\d+$/, '');

export function stateOf(picture: RunPicture): RunState {
  const { run, standing } = picture;
  const outcome = ended(picture);
  const status = outcome?.status ?? statusOf(picture);
  return {
    status,
    started_at: run.started_at,
    completed_at: status === 'completed' ? run.completed_at : null,
    failed_at: status === 'failed' ? run.failed_at : null,
    cancelled_at: run.cancelled_at,
    actions: actionsOf(standing.requests),
    last_error: outcome?.status === 'failed' ? outcome.last_error : null,
    incomplete: outcome?.status === 'incomplete' ? outcome.reason : null,
    usage: hasEnded(status) ? run.usage : null,
  };
}

/** What a run's end is here, where it is not its own word for it. */
function ended({ run, finish_reason }: RunPicture): Outcome | null {
  if (run.status === 'failed' && run.error) return outcomeOf(run.error);
  return wasCut(finish_reason) ? CUT : null;
}

function statusOf({ run, standing }: RunPicture): RunStatus {
  switch (run.status) {
    case 'running':
      return standing.resuming ? 'queued' : 'in_progress';
    case 'waiting_for_input':
      // What the server runs itself finishes first, so that all outputs can be asked for at once.
      if (standing.calls_at_work) return 'in_progress';
      return standing.requests.length > 0 ? 'requires_action' : 'queued';
    default:
      return run.status;
  }
}
