/** What the tool-call activity knows of a tool, whoever runs it. */

/**
 * `unknown`: the connection was lost in the middle of a call of a tool with side effects; nobody knows whether it acted.
 * `output` is text for the model, already cut to `MAX_OUTPUT_BYTES`.
 */
export type ToolOutcome = { status: 'ok' | 'error' | 'timeout' | 'unknown'; output: string };

export type ToolContext = {
  /** The call's idempotency key: the same for every execution of one call. */
  call_id: string;
  /** Its abort cancels the call. */
  signal: AbortSignal;
  progress(data: Record<string, unknown>): void;
  /** Whole milliseconds, where less may be left than the tool's own `timeout_s`. */
  timeout_ms?: number;
};

export type ToolHints = { read_only: boolean; idempotent: boolean; destructive: boolean };

/** What hints and configuration make of a tool, or of one call of it. */
export type CallPolicy = {
  /** A lost execution may simply be run again. */
  may_repeat: boolean;
  /** What the tool's own hints say when a persona asks for approval by hint. */
  needs_approval_hint: boolean;
};

/** Through what a tool is reached. */
export type ToolKind = 'http_request' | 'mcp_stdio' | 'mcp_http';

export interface Tool extends CallPolicy {
  kind: ToolKind;
  /** `server/tool`, or the bare name of a tool of Holdfast's own. */
  name: string;
  description: string;
  /** JSON schema of the arguments object. */
  parameters: Record<string, unknown>;
  timeout_s: number;
  /** Where the arguments decide (a GET may be repeated, a POST not); absent: the tool's own policy holds for every call. */
  policyFor?(args: unknown): CallPolicy;
  /**
   * Runs one call. What goes wrong is an outcome, never an error; the only rejection is `ToolCancelled`, at once when the
   * signal aborts.
   */
  execute(args: unknown, context: ToolContext): Promise<ToolOutcome>;
}

/** The call was cancelled by its signal. The tool itself may still be working: `ended` tells. */
export class ToolCancelled extends Error {
  readonly tool: string;
  /**
   * Never rejects, and settles within about 7 s: true when the tool is known to work no more, false when it belongs in
   * `run.cancelled` `unfinished[]`.
   */
  readonly ended: Promise<boolean>;

  constructor(tool: string, ended: Promise<boolean>) {
    super(`The call of ${tool} was cancelled.`);
    this.name = 'ToolCancelled';
    this.tool = tool;
    this.ended = ended;
  }
}

/** The policy of one call. */
export function callPolicy(tool: Tool, args: unknown): CallPolicy {
  return tool.policyFor?.(args) ?? { may_repeat: tool.may_repeat, needs_approval_hint: tool.needs_approval_hint };
}

/** How long one call may take, in whole milliseconds: the tool's own limit, or less where less is left. */
export function callTimeoutMs(timeoutS: number, context: Pick<ToolContext, 'timeout_ms'>): number {
  return Math.min(Math.ceil(timeoutS * 1000), context.timeout_ms ?? Number.POSITIVE_INFINITY);
}

/** Milliseconds as the model is told of them: `9.4 s`. */
export const inSeconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;
