/** Which provider's protocol a request speaks: OpenAI Responses, OpenAI chat completions, Anthropic messages. */
export type Wire = 'openai' | 'openai-compatible' | 'anthropic';

export type WireUsage = { input: number; cached?: number; output: number; reasoning?: number };

/** What the server answers to one request, the same for every wire. All fields are optional: `{}` is an empty answer. */
export type Reply = {
  /** An HTTP answer instead of a stream: status, headers and body (an object is sent as JSON). */
  http?: { status: number; headers?: Record<string, string>; body?: unknown };
  reasoning?: string[];
  /** Text, one delta per element. */
  text?: string[];
  /** `arguments` as a string goes on the wire as it is, JSON or not. */
  toolCalls?: { id?: string; name: string; arguments: unknown }[];
  /** Default: `{input: 10, output: 5}`; null: the stream says nothing of usage. */
  usage?: WireUsage | null;
  /** Default: what fits (`stop`, or `tool_calls` after calls). */
  finish?: 'stop' | 'length' | 'content_filter';
  /** Pause before each delta, in milliseconds. */
  delayMs?: number;
  /**
   * How the stream goes wrong, after the deltas above: `cut` breaks the TCP connection, `end` ends the HTTP answer without a
   * finish, `silent` keeps the connection open and says nothing, `mute` does so before any header, `comments` sends only SSE comments.
   */
  fault?: 'cut' | 'end' | 'silent' | 'mute' | 'comments';
  /** An error event inside the stream, after the deltas, as the wire spells it. */
  error?: { type?: string; code?: string; message: string };
  /** Raw SSE text sent instead of all deltas and the finish. */
  raw?: string[];
};
