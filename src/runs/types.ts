/**
 * What a run is, in the words of the native contract. The core (`src/runs`) speaks these types; dialects translate
 * them. Times are RFC 3339 UTC with milliseconds, money is USD, durations say their unit in the name.
 */
import type { ContentPart, ModelSettings, Usage } from '../models/types.ts';

export type RunStatus =
  | 'queued'
  | 'running'
  | 'waiting_for_input'
  | 'cancelling'
  | 'completed'
  | 'failed'
  | 'cancelled';

export const RUN_STATUSES: readonly RunStatus[] = [
  'queued',
  'running',
  'waiting_for_input',
  'cancelling',
  'completed',
  'failed',
  'cancelled',
];

export type Scope = 'runs:read' | 'runs:write' | 'personas:write' | 'admin';
export const SCOPES: readonly Scope[] = ['runs:read', 'runs:write', 'personas:write', 'admin'];

/** Who calls: every function of the core takes it, so that no query can be made without an organisation. */
export type Caller = {
  org_id: string;
  key_id: string;
  scopes: Scope[];
  user_id: string | null;
  user_name: string | null;
  user_email: string | null;
  /** 32 hex digits: of the incoming `traceparent`, else made anew for this request. */
  trace_id: string;
};

/** A POST that may be repeated: the caller's key, and a fingerprint of what was asked (method, path and body). */
export type Idempotency = { key: string; fingerprint: string };

/** What can have an alias: another name, given by a dialect that has ids of its own. Of a persona it stands for the key. */
export type AliasKind = 'thread' | 'run' | 'persona';

/** The name of a new run; with a fingerprint of what is asked for the caller chose it, and may repeat the create under it. */
export type RunAlias = { alias: string; fingerprint?: string };

/** The answer of a POST: `replayed` when an earlier request with the same key, or name, already had this effect. */
export type Effect<T> = { value: T; replayed: boolean };

export type RequestKind = 'question' | 'approval' | 'tool_outputs' | 'budget' | 'unknown_outcome';

export type Budget = {
  max_turns?: number;
  max_tokens?: number;
  max_cost_usd?: number;
  timeout_s?: number;
  on_exceeded?: 'fail' | 'ask';
};

export type FunctionTool = {
  type: 'function';
  function: {
    name: string;
    description?: string;
    parameters?: Record<string, unknown>;
    /** Asks the provider to hold the model to the schema. */
    strict?: boolean;
  };
};

export type ThreadView = {
  id: string;
  title: string | null;
  metadata: Record<string, string>;
  active_run_id: string | null;
  created_at: string;
  updated_at: string;
};

export type MessageView = {
  id: string;
  thread_id: string;
  run_id: string | null;
  role: 'user' | 'assistant';
  content: ContentPart[];
  /** `pending`: sent to an active run, whose next turn takes it. */
  status: 'completed' | 'incomplete' | 'pending';
  metadata: Record<string, string>;
  created_at: string;
};

/** A row of the global list (`GET /v1/runs`), fields and order as the contract names them. */
export type RunRow = {
  run_id: string;
  org_id: string;
  thread_id: string;
  status: RunStatus;
  model: string | null;
  persona_id: string | null;
  total_input_tokens: number;
  total_output_tokens: number;
  total_cost_usd: number | null;
  duration_ms: number | null;
  cache_hit_rate: number | null;
  credits_used: number | null;
  created_at: string;
  completed_at: string | null;
  failed_at: string | null;
  created_by_user_id: string | null;
  created_by_user_name: string | null;
  created_by_email: string | null;
};

export type PendingInput = {
  request_id: string;
  run_id: string;
  thread_id: string;
  kind: RequestKind;
  prompt: string;
  options: string[] | null;
  tool_calls?: { call_id: string; name: string; arguments: unknown }[];
  created_at: string;
  expires_at: string;
};

export type LiveView = {
  turn: number | null;
  step: string | null;
  attempt: number | null;
  last_failure: string | null;
  next_retry_at: string | null;
};

export type RunDetails = RunRow & {
  trace_id: string;
  started_at: string | null;
  cancelled_at: string | null;
  last_seq: number;
  error: { code: string; message: string } | null;
  pending_inputs: PendingInput[];
  usage: Usage;
  budget: Budget;
  parent_run_id: string | null;
  metadata: Record<string, string>;
  temporal: { workflow_id: string; run_id: string | null; namespace: string; ui_url: string | null };
  /** Only with `include=live`: null when the run is not active or Temporal did not answer within 250 ms. */
  live?: LiveView | null;
};

/** What a create does on a thread that has an active run. */
export type OnBusy = 'reject' | 'enqueue' | 'interrupt';

export type CreateRun = {
  on_busy?: OnBusy;
  route_id?: string;
  persona_id?: string;
  input?: string | ContentPart[];
  model?: string;
  instructions?: string;
  additional_instructions?: string;
  tools?: (string | FunctionTool)[];
  metadata?: Record<string, string>;
  budget?: Budget;
  /** Messages that are appended to the thread in the same transaction, before `input`. */
  messages?: NewMessage[];
  /** Of a run on a new thread: what that thread begins with. */
  thread?: NewThread;
  settings?: ModelSettings;
  max_prompt_tokens?: number;
  max_completion_tokens?: number;
  last_messages?: number;
  expires_after_s?: number;
  alias?: RunAlias;
};

export type NewMessage = {
  role: 'user' | 'assistant';
  content: string | ContentPart[];
  metadata?: Record<string, string>;
};

export type NewThread = {
  title?: string;
  metadata?: Record<string, string>;
  messages?: NewMessage[];
  alias?: string;
};

export type Created = { run_id: string; thread_id: string; trace_id: string };

export type Answer = {
  content?: string;
  request_id?: string;
  tool_outputs?: { call_id: string; output: string }[];
};

export type Page = { limit: number; before?: string };
/** One page and whether more follow it. */
export type PageOf<T> = { items: T[]; more: boolean };

export type RunFilter = {
  status?: RunStatus;
  thread_id?: string;
  persona_id?: string;
  model?: string;
  /** RFC 3339; runs created at or after. */
  since?: string;
  /** RFC 3339; runs created before. */
  until?: string;
  parent_run_id?: string;
};

export type PersonaDefinition = {
  key: string;
  display_name?: string;
  instructions?: string;
  model?: string;
  route_id?: string;
  tools?: string[];
  approval?: Record<string, 'always' | 'never' | 'hint'>;
  budget?: Budget;
  input_timeout_s?: number;
  description?: string;
  metadata?: Record<string, string>;
  /** Functions that the client of its runs executes itself. */
  functions?: FunctionTool['function'][];
  settings?: ModelSettings;
};

/** Of a persona's settings, those that change. */
type SettingsPatch = { [Name in keyof ModelSettings]?: ModelSettings[Name] | null };

/** What an update changes of a persona: a field that is absent stays, null takes it away. */
export type PersonaPatch = {
  [Field in keyof Omit<PersonaDefinition, 'key' | 'settings'>]?: PersonaDefinition[Field] | null;
} & { settings?: SettingsPatch };

export type PersonaView = {
  key: string;
  version: number;
  display_name: string;
  instructions: string;
  model: string | null;
  route_id: string | null;
  tools: string[];
  approval: Record<string, string>;
  budget: Budget;
  input_timeout_s: number;
  created_at: string;
  description?: string;
  metadata?: Record<string, string>;
  functions?: FunctionTool['function'][];
  settings?: ModelSettings;
};

/** A reader's stream of SSE frames: `204` is for the caller to send when `empty` says the reader is already at the end. */
export type EventStream = {
  /** True when the run has ended and nothing follows `after_seq`. */
  atEnd: boolean;
  /** Frames, several events a chunk; ends after the terminal event, or (follow=false) after what is stored. */
  body: ReadableStream<Uint8Array>;
};
