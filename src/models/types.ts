/** What the model layer and the agent loop say to each other. Nothing here knows a provider's wire. */

export type ContentPart =
  | { type: 'text'; text: string }
  | { type: 'image_url'; image_url: { url: string; detail?: 'auto' | 'low' | 'high' } };

export type PromptMessage =
  | { role: 'user'; content: ContentPart[] }
  | {
      role: 'assistant';
      content: string;
      /** The answer was cut off; the model is shown that it was. */
      incomplete?: boolean;
      tool_calls: { call_id: string; name: string; arguments: unknown }[];
    }
  | { role: 'tool'; results: { call_id: string; name: string; output: string; is_error: boolean }[] };

/** A tool the model may call. `name` may hold any character (`files/read`); the wire gets a mapped one. */
export type ToolSpec = {
  name: string;
  description: string;
  /** JSON schema of the arguments object. */
  parameters: Record<string, unknown>;
  /** Asks the provider to hold the model to the schema; absent: not asked. */
  strict?: boolean;
};

export type ToolChoice = 'auto' | 'none' | 'required' | { name: string };

export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | {
      type: 'json_schema';
      name: string;
      description?: string;
      schema: Record<string, unknown>;
      strict?: boolean;
    };

/** One model step: everything the model is told. */
export type ModelRequest = {
  system: string;
  messages: PromptMessage[];
  tools: ToolSpec[];
  max_output_tokens?: number;
  temperature?: number;
  top_p?: number;
  tool_choice?: ToolChoice;
  parallel_tool_calls?: boolean;
  response_format?: ResponseFormat;
  reasoning_effort?: string;
  /** 1 for the first provider try of this turn at this route; only the demo model's `/fail times=` reads it. */
  attempt?: number;
  /** Calls since the last user message that were left out of `messages`; only the demo model, which counts them, reads it. */
  dropped_calls?: number;
};

/** How a run wants its model called; what is absent is the provider's own choice. */
export type ModelSettings = Pick<
  ModelRequest,
  'temperature' | 'top_p' | 'tool_choice' | 'parallel_tool_calls' | 'response_format' | 'reasoning_effort'
>;

/** Tokens of one step. `input_tokens` includes the cached ones, `output_tokens` includes the reasoning ones. */
export type Usage = {
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  /** The provider said nothing; the figures are characters divided by four. */
  estimated?: boolean;
};

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'error' | 'other';

export type ModelPart =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  | {
      type: 'tool_call';
      /** The provider's own id of the call; never used as a key of ours. */
      provider_call_id: string;
      name: string;
      arguments: unknown;
      /** The raw text, when the arguments were not JSON (`arguments` is then `{}`). */
      invalid?: string;
    }
  | { type: 'finish'; finish_reason: FinishReason; usage: Usage };

export type ProviderName = 'openai' | 'anthropic' | 'openai-compatible' | 'demo';

/** USD per million tokens. */
export type Price = { input: number; cached_input?: number; output: number };

/** One element of `routes:` in holdfast.yaml, with its `${VAR}`s filled in. */
export type RouteConfig = {
  id: string;
  provider: ProviderName;
  /** Required for every provider but `demo`. */
  model?: string;
  /** Required for `openai` and `anthropic`; optional for `openai-compatible`. */
  api_key?: string;
  /** Required for `openai-compatible`. */
  base_url?: string;
  /** Other names under which clients ask for this route. */
  aliases?: string[];
  price?: Price;
  /** Size of the model's context window, for truncation. */
  context_tokens?: number;
  /** Provider errors per turn before the run goes to the fallback or fails. */
  retries?: number;
  /** Seconds of silence before a stream is broken off. */
  idle_timeout_s?: number;
  /** Streams at a time in this process. */
  max_concurrency?: number;
  /** Id of the route a run goes to when this one keeps failing. */
  fallback?: string;
};

/** A configured route with its defaults filled in and without its key: safe to log and to serve. */
export type Route = {
  readonly id: string;
  readonly provider: ProviderName;
  readonly model: string;
  readonly aliases: readonly string[];
  /** null: unknown, so costs are null too. */
  readonly price: Price | null;
  readonly context_tokens: number | null;
  readonly retries: number;
  readonly idle_timeout_s: number;
  readonly max_concurrency: number;
  readonly fallback: string | null;
};

/** A route as `GET /v1/routes` shows it. */
export type RouteInfo = Route;

export interface Models {
  /** Every configured route, in the configuration's order. */
  routes(): RouteInfo[];
  /** By route id first, then by alias, then by model name. */
  find(nameOrAliasOrModel: string): Route | undefined;
  route(id: string): Route | undefined;
  /**
   * One model step. Ends with exactly one `finish`, or throws a ModelError, or throws the signal's reason when aborted.
   * Leaving the loop early closes the provider's connection. Nothing is retried here.
   */
  stream(route: Route, request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
}

export type ModelErrorCode =
  | 'provider.rate_limited'
  | 'provider.unavailable'
  | 'provider.timeout'
  | 'provider.stream_broken'
  | 'provider.bad_request'
  | 'provider.unauthorized'
  | 'provider.forbidden'
  | 'provider.not_found'
  | 'provider.failed';

/** Why a provider did not finish a step. `message` is the provider's own where it gave one, bounded and without secrets. */
export class ModelError extends Error {
  readonly code: ModelErrorCode;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** HTTP status, where there was one. */
  readonly status: number | undefined;
  /** How long the provider asked us to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ModelErrorCode,
    message: string,
    options: { retryable: boolean; status?: number; retryAfterMs?: number },
  ) {
    super(message);
    this.name = 'ModelError';
    this.code = code;
    this.retryable = options.retryable;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}
