/** A run's row under its lock, and the one way in which events are added to it. */
import type { Selectable, Updateable } from 'kysely';
import { HoldfastError } from '../errors.ts';
import type { ModelSettings, Usage } from '../models/types.ts';
import type { OwnTerm } from '../runs/dialect-types.ts';
import type { Budget, FunctionTool, RunStatus } from '../runs/types.ts';
import { allAnswered } from './all-answered.ts';
import type { ParentTerms } from './child-budget.ts';
import type { TransactionContext, Trx } from './journal.ts';
import type { Schema } from './schema.ts';

export type RunRecord = Selectable<Schema['runs']>;
/** What a transaction may change besides appending: never the status, which follows from the events. */
export type RunChange = Omit<Updateable<Schema['runs']>, 'id' | 'org_id' | 'status' | 'ended' | 'last_seq'>;
export type NewEvent = {
  type: string;
  /** A text is JSON already: what is said at a high rate is encoded once, where it arises. */
  data: Record<string, unknown> | string;
  /** Of `run.input_received`: other requests are still open. Not stored. */
  stillWaiting?: boolean;
};

/** What a run was asked to be, merged with its persona's version when it was created. */
export type RunSpec = {
  instructions: string;
  additional_instructions: string;
  tools: string[];
  client_tools: FunctionTool['function'][];
  approval: Record<string, string>;
  budget: Budget;
  /** A person answered `stop` to a budget request: the next check ends the run. */
  budget_stopped?: true;
  input_timeout_s: number;
  /** The model's name as it was asked for: a route's id, alias or model. */
  asked_model?: string;
  settings?: ModelSettings;
  /** Which terms the create itself gave, where they could have been the persona's. */
  own?: OwnTerm[];
  /** Tokens that the whole run may put into prompts, and get out of its model. */
  max_prompt_tokens?: number;
  max_completion_tokens?: number;
  /** How many of the thread's last messages its model sees. */
  last_messages?: number;
  /** Milliseconds since 1970 after which the run ends as `run.expired`, whatever it does or waits for. */
  expires_at?: number;
  /** Of a child run. */
  parent?: ParentTerms;
};

export function specOf(run: Pick<RunRecord, 'spec'>): RunSpec {
  return JSON.parse(run.spec) as RunSpec;
}

/**
 * Takes the run's row for this transaction: the first statement of every transaction that appends, so that two of them
 * are always one after the other. Errors: `runs.not_found`.
 */
export async function lockRun(trx: Trx, orgId: string, runId: string): Promise<RunRecord> {
  const run = await trx
    .updateTable('runs')
    .set((eb) => ({ last_seq: eb.ref('last_seq') }))
    .where('id', '=', runId)
    .where('org_id', '=', orgId)
    .returningAll()
    .executeTakeFirst();
  if (!run) throw noRun(runId);
  return run;
}

/**
 * The run's row, taken, and what `read` finds from then on, in one round trip where there are any. `read` writes nothing: it is asked
 * before it is known whether the run was had. Errors: `runs.not_found`.
 */
export function lockRunAnd<T>(trx: Trx, orgId: string, runId: string, read: () => Promise<T>): Promise<[RunRecord, T]> {
  return allAnswered<[RunRecord, T]>([lockRun(trx, orgId, runId), read()]);
}

export function noRun(id: string): HoldfastError {
  return new HoldfastError('runs.not_found', `No run ${id}.`);
}

/**
 * Appends events to a locked run that has not ended, numbers them without gaps, and moves the status as they say.
 * `run` is brought up to date in place.
 */
export async function append(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  events: NewEvent[],
  change: RunChange = {},
): Promise<void> {
  if (run.ended) throw new Error(`append to the ended run ${run.id}`);
  // A transaction that waited for the row began before the one it waited for; its events are the later ones all the same.
  const now = Math.max(ctx.now, run.last_event_at);
  const rows = events.map((event, i) => ({
    run_id: run.id,
    seq: run.last_seq + 1 + i,
    type: event.type,
    data: jsonOf(event),
    created_at: now,
  }));
  if (rows.length > 0) await trx.insertInto('events').values(rows).execute();
  const status = statusAfter(run.status, events);
  const set = {
    ...change,
    ...waitingTime(run, status, now),
    status,
    ended: isTerminal(status) ? 1 : 0,
    last_seq: run.last_seq + rows.length,
    last_event_at: rows.length > 0 ? now : run.last_event_at,
  };
  await trx.updateTable('runs').set(set).where('id', '=', run.id).where('org_id', '=', run.org_id).execute();
  Object.assign(run, set);
  if (rows.length > 0) ctx.appended.push({ run_id: run.id, last_seq: run.last_seq, events: rows });
}

/** An event's data as it is stored. */
export const jsonOf = ({ data }: NewEvent): string => (typeof data === 'string' ? data : JSON.stringify(data));

/** The status that a run has after these events: the only rule by which it changes (invariant 3). */
export function statusAfter(before: RunStatus, events: NewEvent[]): RunStatus {
  let status = before;
  for (const { type, stillWaiting } of events) {
    if (type === 'run.completed') return 'completed';
    if (type === 'run.failed') return 'failed';
    if (type === 'run.cancelled') return 'cancelled';
    if (type === 'run.cancel_requested') status = 'cancelling';
    if (status === 'cancelling') continue;
    if (type === 'run.started') status = 'running';
    if (type === 'run.waiting_for_input') status = 'waiting_for_input';
    if (type === 'run.input_received') status = stillWaiting ? 'waiting_for_input' : 'running';
  }
  return status;
}

export function isTerminal(status: RunStatus): status is 'completed' | 'failed' | 'cancelled' {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

function waitingTime(run: RunRecord, status: RunStatus, now: number): RunChange {
  if (status === 'waiting_for_input') return run.waiting_since === null ? { waiting_since: now } : {};
  if (run.waiting_since === null) return {};
  return { waiting_since: null, waited_ms: run.waited_ms + (now - run.waiting_since) };
}

/** Adds one step's tokens and cost to the run's totals; a step without a price makes the cost unknown for good. */
export function addUsage(run: RunRecord, usage: Usage, costUsd: number | null): RunChange {
  return {
    input_tokens: run.input_tokens + usage.input_tokens,
    cached_input_tokens: run.cached_input_tokens + usage.cached_input_tokens,
    output_tokens: run.output_tokens + usage.output_tokens,
    reasoning_tokens: run.reasoning_tokens + usage.reasoning_tokens,
    cost_usd: run.cost_usd === null || costUsd === null ? null : run.cost_usd + costUsd,
  };
}

export function usageOf(run: RunRecord): Usage {
  return {
    input_tokens: run.input_tokens,
    cached_input_tokens: run.cached_input_tokens,
    output_tokens: run.output_tokens,
    reasoning_tokens: run.reasoning_tokens,
  };
}
