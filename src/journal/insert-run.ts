/** A new run in the journal: its row, its thread's lock or its place in the thread's queue, its message, its intent to start. */
import { newId } from '../ids.ts';
import type { ContentPart, Price } from '../models/types.ts';
import { OUTBOX_FIRST_RETRY_MS, putIntent } from './intents.ts';
import type { TransactionContext, Trx } from './journal.ts';
import { insertMessage } from './messages.ts';
import { lockRun, type RunRecord, type RunSpec } from './run-row.ts';
import type { WrittenMessage } from './transactions/messages.ts';

/** What a create asks for, merged with its persona. */
export type PreparedRun = {
  persona_id: string | null;
  route: { id: string; model: string; fallback: string | null; price: Price | null };
  spec: RunSpec;
  metadata: Record<string, string>;
  /** What the caller adds to the thread before `input`. A run that waits for its thread takes none. */
  messages?: WrittenMessage[];
  input: ContentPart[] | null;
  /** Seconds after its creation when the run expires; absent: never. */
  expires_after_s?: number;
};

/** Whose run it is. */
export type RunOwner = {
  org_id: string;
  trace_id: string;
  user_id: string | null;
  user_name: string | null;
  user_email: string | null;
};

type Placing = {
  id?: string;
  thread_id: string;
  /** The thread is taken by another run: start when it is free, in the order of rank and age. */
  queued?: { rank: number };
  /** The run answers this call of another, whose workflow starts it. */
  parent?: { run_id: string; call_id: string };
};

/** The parent's workflow starts its child at once; if it does not, for it has lost its worker, whoever finds the intent due does. */
const START_CHILD_AFTER_MS = 6 * OUTBOX_FIRST_RETRY_MS;

/** Inserts a run. The caller has locked the thread for it, unless it is queued. Returns its id. */
export async function insertRun(
  trx: Trx,
  ctx: TransactionContext,
  owner: RunOwner,
  run: PreparedRun,
  placing: Placing,
): Promise<string> {
  const id = placing.id ?? newId('run');
  const { thread_id } = placing;
  for (const message of run.messages ?? []) {
    await insertMessage(trx, ctx, { org_id: owner.org_id, thread_id, id: null }, message);
  }
  if (run.input && !placing.queued) {
    await insertMessage(trx, ctx, { org_id: owner.org_id, thread_id, id }, { role: 'user', content: run.input });
  }
  await trx
    .insertInto('runs')
    .values({
      id,
      org_id: owner.org_id,
      thread_id,
      status: 'queued',
      ended: 0,
      epoch: 0,
      temporal_run_id: null,
      last_seq: 0,
      last_event_at: ctx.now,
      persona_id: run.persona_id,
      route_id: run.route.id,
      fallback_route_id: run.route.fallback,
      model: run.route.model,
      spec: JSON.stringify({ ...run.spec, ...expiry(run, ctx.now) }),
      metadata: JSON.stringify(run.metadata),
      parent_run_id: placing.parent?.run_id ?? null,
      parent_call_id: placing.parent?.call_id ?? null,
      children_tokens: 0,
      children_cost_usd: 0,
      queued_input: placing.queued ? JSON.stringify(run.input ?? []) : null,
      queue_rank: placing.queued?.rank ?? 0,
      trace_id: owner.trace_id,
      created_by_user_id: owner.user_id,
      created_by_user_name: owner.user_name,
      created_by_email: owner.user_email,
      input_tokens: 0,
      cached_input_tokens: 0,
      output_tokens: 0,
      reasoning_tokens: 0,
      cost_usd: run.route.price === null ? null : 0,
      waited_ms: 0,
      waiting_since: null,
      error_code: null,
      error_message: null,
      created_at: ctx.now,
      started_at: null,
      completed_at: null,
      failed_at: null,
      cancelled_at: null,
    })
    .execute();
  if (placing.queued) return id;
  await putIntent(trx, ctx, { id, org_id: owner.org_id }, 'start', '', placing.parent && START_CHILD_AFTER_MS);
  return id;
}

function expiry({ expires_after_s }: PreparedRun, now: number): Partial<RunSpec> {
  return expires_after_s === undefined ? {} : { expires_at: now + expires_after_s * 1000 };
}

/**
 * Gives a thread that has become free to the run that waits for it first, if there is one: its message joins the thread, and it
 * is started. The run that ended must have let go of the thread before.
 */
export async function startQueued(
  trx: Trx,
  ctx: TransactionContext,
  thread: { org_id: string; thread_id: string },
): Promise<void> {
  const next = await lockNextQueued(trx, thread);
  if (!next) return;
  await trx
    .updateTable('threads')
    .set({ active_run_id: next.id, updated_at: ctx.now })
    .where('id', '=', thread.thread_id)
    .where('org_id', '=', thread.org_id)
    .execute();
  const content = JSON.parse(next.queued_input ?? '[]') as ContentPart[];
  if (content.length > 0) await insertMessage(trx, ctx, { ...thread, id: next.id }, { role: 'user', content });
  await trx
    .updateTable('runs')
    .set({ queued_input: null })
    .where('id', '=', next.id)
    .where('org_id', '=', thread.org_id)
    .execute();
  await putIntent(trx, ctx, { id: next.id, org_id: thread.org_id }, 'start', '');
}

/** The run that is first in the thread's queue, its row taken: one that is cancelled at the same moment is passed over. */
async function lockNextQueued(trx: Trx, thread: { org_id: string; thread_id: string }): Promise<RunRecord | undefined> {
  for (;;) {
    const first = await trx
      .selectFrom('runs')
      .select('id')
      .where('thread_id', '=', thread.thread_id)
      .where('org_id', '=', thread.org_id)
      .where('ended', '=', 0)
      .where('queued_input', 'is not', null)
      .orderBy('queue_rank', 'desc')
      .orderBy('id')
      .limit(1)
      .executeTakeFirst();
    const run = first && (await lockRun(trx, thread.org_id, first.id));
    if (!run?.ended) return run;
  }
}
