import { z } from '@hono/zod-openapi';
import {
  type CreateRun,
  type PendingInput,
  RUN_STATUSES,
  type RunDetails as RunDetailsView,
  type RunRow as RunRowView,
} from '../../../runs/types.ts';
import { BudgetLimits, Content, Id, Metadata, Name, Time } from './fields.ts';

const MAX_TOOLS = 128;

const FunctionTool = z
  .strictObject({
    type: z.literal('function'),
    function: z.strictObject({
      name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'Expected 1 to 64 letters, digits, _ or -'),
      description: z.string().optional(),
      parameters: z.record(z.string(), z.unknown()).optional().openapi({ description: 'JSON schema of the arguments' }),
    }),
  })
  .openapi('FunctionTool', { description: 'A tool that the client itself runs, see the input kind `tool_outputs`.' });

const Tool = z.union([Name, FunctionTool], { error: "Expected a configured tool's name or a function tool" });

export const NewRun = z
  .strictObject({
    route_id: Name.optional().openapi({ description: 'A configured model route' }),
    persona_id: Name.optional().openapi({ description: '`key@version`, or `key` for the newest' }),
    input: Content.optional(),
    model: Name.optional().openapi({ description: 'A route’s id, alias or model' }),
    instructions: z.string().optional(),
    additional_instructions: z.string().optional(),
    tools: z.array(Tool).max(MAX_TOOLS).optional(),
    metadata: Metadata.optional(),
    budget: BudgetLimits.optional().openapi({ description: 'Can only tighten the persona’s' }),
    on_busy: z.enum(['reject', 'enqueue', 'interrupt']).optional().openapi({
      description:
        'On a thread that has an active run: refuse (the default), start when the thread is free, or cancel the active run and start then',
    }),
  })
  .openapi('NewRun') satisfies z.ZodType<CreateRun>;

export const NewRunMessage = z
  .strictObject({ role: z.literal('user').optional(), content: Content })
  .openapi('NewRunMessage');

export const CreatedOnThread = z.object({ run_id: Id, trace_id: z.string() }).openapi('CreatedRun');

export const CreatedWithThread = z
  .object({ run_id: Id, thread_id: Id, trace_id: z.string() })
  .openapi('CreatedRunAndThread');

export const Status = z.enum(RUN_STATUSES).openapi('RunStatus');

export const ThreadRun = z.object({ run_id: Id, status: Status, created_at: Time }).openapi('ThreadRun');

const Count = z.int().nonnegative();

export const RunRow = z
  .object({
    run_id: Id,
    org_id: z.string(),
    thread_id: Id,
    status: Status,
    model: z.string().nullable(),
    persona_id: z.string().nullable(),
    total_input_tokens: Count,
    total_output_tokens: Count,
    total_cost_usd: z.number().nullable().openapi({ description: 'null: the route has no price' }),
    duration_ms: z.number().nullable(),
    cache_hit_rate: z.number().nullable().openapi({ description: 'Cached input tokens / input tokens' }),
    credits_used: z.number().nullable(),
    created_at: Time,
    completed_at: Time.nullable(),
    failed_at: Time.nullable(),
    created_by_user_id: z.string().nullable(),
    created_by_user_name: z.string().nullable(),
    created_by_email: z.string().nullable(),
  })
  .openapi('Run') satisfies z.ZodType<RunRowView>;

export const OpenRequest = z
  .object({
    request_id: Id,
    run_id: Id,
    thread_id: Id,
    kind: z.enum(['question', 'approval', 'tool_outputs', 'budget', 'unknown_outcome']),
    prompt: z.string(),
    options: z.array(z.string()).nullable(),
    tool_calls: z.array(z.object({ call_id: z.string(), name: z.string(), arguments: z.unknown() })).optional(),
    created_at: Time,
    expires_at: Time,
  })
  .openapi('OpenRequest') satisfies z.ZodType<PendingInput>;

const Usage = z
  .object({
    input_tokens: Count,
    cached_input_tokens: Count,
    output_tokens: Count,
    reasoning_tokens: Count,
    estimated: z.boolean().optional(),
  })
  .openapi('Usage');

const Live = z
  .object({
    turn: z.int().nullable(),
    step: z.string().nullable(),
    attempt: z.int().nullable(),
    last_failure: z.string().nullable(),
    next_retry_at: Time.nullable(),
  })
  .openapi('Live');

export const RunDetails = RunRow.extend({
  trace_id: z.string(),
  started_at: Time.nullable(),
  cancelled_at: Time.nullable(),
  last_seq: Count,
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  pending_inputs: z.array(OpenRequest),
  usage: Usage,
  budget: BudgetLimits,
  parent_run_id: Id.nullable(),
  metadata: Metadata,
  temporal: z.object({
    workflow_id: z.string(),
    run_id: z.string().nullable(),
    namespace: z.string(),
    ui_url: z.string().nullable(),
  }),
  live: Live.nullable()
    .optional()
    .openapi({ description: 'Only with `include=live`; null: nothing to tell in 250 ms' }),
}).openapi('RunDetails') satisfies z.ZodType<RunDetailsView>;
