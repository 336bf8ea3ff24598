/**
 * The tables as Kysely sees them, the same in every store. JSON is kept as text, times are integers in milliseconds since
 * 1970 (UTC), ids are text. Every table that holds something of a tenant carries `org_id`, except `events` and `steps`,
 * which are reached through their run only.
 */
import type { FinishReason } from '../models/types.ts';
import type { AliasKind, RequestKind, RunStatus } from '../runs/types.ts';

type Json = string;
type Millis = number;

export interface Schema {
  meta: { key: string; value: string };
  orgs: { id: string; name: string; created_at: Millis };
  api_keys: {
    id: string;
    org_id: string;
    /** The part of the token by which it is looked up; the rest is known only as a hash. */
    prefix: string;
    hash: string;
    user_id: string | null;
    user_name: string | null;
    user_email: string | null;
    scopes: Json;
    created_at: Millis;
    expires_at: Millis | null;
    revoked_at: Millis | null;
  };
  personas: {
    org_id: string;
    key: string;
    version: number;
    source: 'config' | 'api';
    definition: Json;
    created_at: Millis;
  };
  threads: {
    id: string;
    org_id: string;
    title: string | null;
    metadata: Json;
    active_run_id: string | null;
    next_position: number;
    created_at: Millis;
    updated_at: Millis;
  };
  messages: {
    id: string;
    org_id: string;
    thread_id: string;
    run_id: string | null;
    position: number;
    role: 'user' | 'assistant';
    content: Json;
    status: 'completed' | 'incomplete';
    /**
     * 0 for a model turn that only called tools: part of the prompt, not of the thread's list. -1 for a message that was deleted:
     * its place alone is kept, for whoever is reading the list.
     */
    listed: number;
    metadata: Json;
    created_at: Millis;
    /** Of an assistant's message: when its turn began; it was stored, complete or cut, at `created_at`. */
    began_at: Millis | null;
    /** Of an assistant's message that was not cut off by its run's end: why its model stopped. */
    finish_reason: FinishReason | null;
  };
  calls: {
    call_id: string;
    org_id: string;
    thread_id: string;
    run_id: string;
    message_id: string;
    turn: number;
    idx: number;
    kind: CallKind;
    /** 0: the model named a tool that the run did not offer; its name is then a text of the model. */
    offered: number;
    name: string;
    /** As the model gave them; what was approved is what runs. */
    arguments: Json;
    /** 1: a lost execution may simply be run again. */
    may_repeat: number;
    status: 'pending' | CallStatus;
    output: string | null;
    created_at: Millis;
    completed_at: Millis | null;
    /** Of a timer: when it is over. */
    due_at: Millis | null;
  };
  runs: RunsTable;
  events: { run_id: string; seq: number; type: string; data: Json; created_at: Millis };
  steps: {
    run_id: string;
    /** `turn:<n>` or `call:<call_id>`. */
    step: string;
    /** `child`: a call that a child run answers; nobody works on the step itself. */
    state: 'leased' | 'released' | 'child' | 'done';
    release_reason: string | null;
    attempt: number;
    token: string;
    message_id: string | null;
    outcome: Json | null;
    provider_errors: number;
    lost_workers: number;
    /** The first event of the current attempt; what the attempt said comes after it. */
    from_seq: number;
    started_at: Millis;
  };
  inputs: {
    id: string;
    org_id: string;
    run_id: string;
    thread_id: string;
    kind: RequestKind;
    prompt: string;
    options: Json | null;
    /** The calls an answer gives results to: [{call_id, name, arguments}]. */
    tool_calls: Json | null;
    /** The call that is run once this is answered. */
    call_id: string | null;
    state: 'open' | 'answered' | 'withdrawn' | 'expired';
    answer: Json | null;
    created_at: Millis;
    expires_at: Millis;
    closed_at: Millis | null;
  };
  outbox: {
    /** Time-sortable: the order in which intents of a run are delivered. */
    id: string;
    org_id: string;
    run_id: string;
    kind: OutboxKind;
    /** The request's id for an input, the child run's for a child, else empty. */
    ref: string;
    attempts: number;
    next_at: Millis;
    created_at: Millis;
  };
  /** User messages to an active run that no turn has taken yet. */
  run_messages: { id: string; org_id: string; run_id: string; content: Json; created_at: Millis };
  /** Runs of deleted threads whose events and steps are still to be removed. */
  deleted_runs: { run_id: string };
  /** Threads that are deleted and whose messages are still to be removed. */
  deleted_threads: { thread_id: string };
  /** Names that a dialect gives: one thing has one at most, and one name is of one thing. */
  aliases: {
    org_id: string;
    alias: string;
    kind: AliasKind;
    /** Of a persona its key. */
    id: string;
    /** Of a run that its caller named: what was asked for under that name. */
    fingerprint: string | null;
    created_at: Millis;
  };
  idempotency: {
    org_id: string;
    key: string;
    fingerprint: string;
    value: Json;
    created_at: Millis;
  };
}

/** `agent`: a child run answers it. `timer`: time alone does. */
export type CallKind = 'ask_user' | 'client' | 'server' | 'agent' | 'timer';
export type CallStatus = 'ok' | 'error' | 'denied' | 'timeout' | 'unknown' | 'cancelled';
/** `child`: a child run has ended, and its parent is to be told. */
export type OutboxKind = 'start' | 'input' | 'cancel' | 'child';

interface RunsTable {
  id: string;
  org_id: string;
  thread_id: string;
  /** Changes only in the transaction that appends the event which says so. */
  status: RunStatus;
  /** 1 once a terminal event is stored; nothing is appended after it. */
  ended: number;
  epoch: number;
  /** Temporal's own id of the workflow's latest execution that took a step. */
  temporal_run_id: string | null;
  last_seq: number;
  last_event_at: Millis;
  persona_id: string | null;
  route_id: string;
  fallback_route_id: string | null;
  model: string;
  /** RunSpec: what the run was asked to be, merged with its persona's version when it was created. */
  spec: Json;
  metadata: Json;
  parent_run_id: string | null;
  /** The call of the parent that this run answers; no two runs answer one. */
  parent_call_id: string | null;
  /** What the run's children used, theirs included; the cost is null once a child's is unknown. */
  children_tokens: number;
  children_cost_usd: number | null;
  /** The user message of a run that waits for its thread: it joins the thread when the run's turn has come. */
  queued_input: Json | null;
  /** Runs that wait for a thread start highest first, then oldest first. */
  queue_rank: number;
  trace_id: string;
  created_by_user_id: string | null;
  created_by_user_name: string | null;
  created_by_email: string | null;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  /** null once a step ran on a route without prices. */
  cost_usd: number | null;
  /** Time the run spent waiting for its human, and since when it waits now. */
  waited_ms: number;
  waiting_since: Millis | null;
  error_code: string | null;
  error_message: string | null;
  created_at: Millis;
  started_at: Millis | null;
  completed_at: Millis | null;
  failed_at: Millis | null;
  cancelled_at: Millis | null;
}
