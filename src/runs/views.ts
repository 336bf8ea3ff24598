/** Rows of the journal as the core shows them. */
import type { Selectable } from 'kysely';
import { showsCalls } from '../journal/requests.ts';
import { type RunRecord, specOf, usageOf } from '../journal/run-row.ts';
import type { Schema } from '../journal/schema.ts';
import type { MessageRecord } from '../journal/transactions/messages.ts';
import type { RunMessage } from '../journal/transactions/run-messages.ts';
import type { ThreadRecord } from '../journal/transactions/threads.ts';
import type { ContentPart } from '../models/types.ts';
import type { MessageView, PendingInput, RunDetails, RunRow, ThreadView } from './types.ts';

export const timeOf = (ms: number): string => new Date(ms).toISOString();
const optionalTime = (ms: number | null): string | null => (ms === null ? null : timeOf(ms));

export function threadView(row: ThreadRecord): ThreadView {
  return {
    id: row.id,
    title: row.title,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    active_run_id: row.active_run_id,
    created_at: timeOf(row.created_at),
    updated_at: timeOf(row.updated_at),
  };
}

export function messageView(row: MessageRecord): MessageView {
  return {
    id: row.id,
    thread_id: row.thread_id,
    run_id: row.run_id,
    role: row.role,
    content: JSON.parse(row.content) as ContentPart[],
    status: row.status,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    created_at: timeOf(row.created_at),
  };
}

export function runMessageView(message: RunMessage): MessageView {
  const { id, thread_id, run_id, content, created_at } = message;
  return {
    id,
    thread_id,
    run_id,
    role: 'user',
    content,
    status: 'pending',
    metadata: {},
    created_at: timeOf(created_at),
  };
}

export function runRow(row: RunRecord, creditsPerUsd: number): RunRow {
  const endedAt = row.completed_at ?? row.failed_at ?? row.cancelled_at;
  return {
    run_id: row.id,
    org_id: row.org_id,
    thread_id: row.thread_id,
    status: row.status,
    model: row.model,
    persona_id: row.persona_id,
    total_input_tokens: row.input_tokens,
    total_output_tokens: row.output_tokens,
    total_cost_usd: row.cost_usd,
    duration_ms: endedAt === null ? null : endedAt - (row.started_at ?? row.created_at),
    cache_hit_rate: row.input_tokens === 0 ? null : row.cached_input_tokens / row.input_tokens,
    credits_used: row.cost_usd === null ? null : row.cost_usd * creditsPerUsd,
    created_at: timeOf(row.created_at),
    completed_at: optionalTime(row.completed_at),
    failed_at: optionalTime(row.failed_at),
    created_by_user_id: row.created_by_user_id,
    created_by_user_name: row.created_by_user_name,
    created_by_email: row.created_by_email,
  };
}

export function runDetails(
  row: RunRecord,
  pending: PendingInput[],
  creditsPerUsd: number,
  temporal: RunDetails['temporal'],
): RunDetails {
  return {
    ...runRow(row, creditsPerUsd),
    trace_id: row.trace_id,
    started_at: optionalTime(row.started_at),
    cancelled_at: optionalTime(row.cancelled_at),
    last_seq: row.last_seq,
    error: row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? '' },
    pending_inputs: pending,
    usage: usageOf(row),
    budget: specOf(row).budget,
    parent_run_id: row.parent_run_id,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    temporal,
  };
}

export function pendingInput(row: Selectable<Schema['inputs']>): PendingInput {
  return {
    request_id: row.id,
    run_id: row.run_id,
    thread_id: row.thread_id,
    kind: row.kind,
    prompt: row.prompt,
    options: row.options === null ? null : (JSON.parse(row.options) as string[]),
    ...(row.tool_calls === null || !showsCalls(row.kind)
      ? {}
      : { tool_calls: JSON.parse(row.tool_calls) as PendingInput['tool_calls'] & object }),
    created_at: timeOf(row.created_at),
    expires_at: timeOf(row.expires_at),
  };
}
