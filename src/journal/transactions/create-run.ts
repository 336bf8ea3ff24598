import { HoldfastError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import type { ContentPart, Price } from '../../models/types.ts';
import type { Caller, Created, Effect, Idempotency } from '../../runs/types.ts';
import { insertMessage } from '../end-run.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import type { RunSpec } from '../run-row.ts';
import { putIntent } from './engine.ts';
import { once } from './idempotency.ts';
import { insertThread } from './threads.ts';

type CreateRun = {
  caller: Caller;
  once?: Idempotency;
  /** null: on a thread of its own. */
  thread_id: string | null;
  persona_id: string | null;
  route: { id: string; model: string; fallback: string | null; price: Price | null };
  spec: RunSpec;
  metadata: Record<string, string>;
  input: ContentPart[] | null;
  /** Runs of the organisation that may be active at a time; null: any number. */
  active_limit: number | null;
};

/** Seconds after which a client may try again when its organisation has too many active runs. */
const ACTIVE_LIMIT_RETRY_S = 5;

/**
 * Accepts a run: its row, its thread's lock, its message and the intent to start it, in one commit.
 * Errors: `threads.not_found`, `threads.busy`, `limits.active_runs`, `idempotency.mismatch`.
 */
export function createRun(trx: Trx, args: CreateRun, ctx: TransactionContext): Promise<Effect<Created>> {
  const { caller } = args;
  return once(trx, ctx, caller.org_id, args.once, async () => {
    await checkActiveLimit(trx, caller.org_id, args.active_limit);
    const runId = newId('run');
    const threadId = args.thread_id ?? (await insertThread(trx, ctx, caller.org_id, {})).id;
    await lockThread(trx, ctx, caller.org_id, threadId, runId);
    if (args.input) {
      await insertMessage(
        trx,
        ctx,
        { org_id: caller.org_id, thread_id: threadId, id: runId },
        {
          role: 'user',
          content: args.input,
        },
      );
    }
    await trx
      .insertInto('runs')
      .values({
        id: runId,
        org_id: caller.org_id,
        thread_id: threadId,
        status: 'queued',
        ended: 0,
        epoch: 0,
        temporal_run_id: null,
        last_seq: 0,
        last_event_at: ctx.now,
        persona_id: args.persona_id,
        route_id: args.route.id,
        fallback_route_id: args.route.fallback,
        model: args.route.model,
        spec: JSON.stringify(args.spec),
        metadata: JSON.stringify(args.metadata),
        parent_run_id: null,
        trace_id: caller.trace_id,
        created_by_user_id: caller.user_id,
        created_by_user_name: caller.user_name,
        created_by_email: caller.user_email,
        input_tokens: 0,
        cached_input_tokens: 0,
        output_tokens: 0,
        reasoning_tokens: 0,
        cost_usd: args.route.price === null ? null : 0,
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
    await putIntent(trx, ctx, { id: runId, org_id: caller.org_id }, 'start', '');
    return { run_id: runId, thread_id: threadId, trace_id: caller.trace_id };
  });
}

async function lockThread(trx: Trx, ctx: TransactionContext, orgId: string, threadId: string, runId: string) {
  const locked = await trx
    .updateTable('threads')
    .set({ active_run_id: runId, updated_at: ctx.now })
    .where('id', '=', threadId)
    .where('org_id', '=', orgId)
    .where('active_run_id', 'is', null)
    .returning('id')
    .executeTakeFirst();
  if (!locked) await refuseBusy(trx, orgId, threadId);
}

/** Says why a thread cannot be taken. Errors: `threads.not_found`, `threads.busy`. */
export async function refuseBusy(trx: Trx, orgId: string, threadId: string): Promise<void> {
  const thread = await trx
    .selectFrom('threads')
    .select('active_run_id')
    .where('id', '=', threadId)
    .where('org_id', '=', orgId)
    .executeTakeFirst();
  if (!thread) throw new HoldfastError('threads.not_found', `No thread ${threadId}.`);
  if (thread.active_run_id === null) return;
  throw new HoldfastError('threads.busy', `Thread ${threadId} already has an active run, ${thread.active_run_id}.`, {
    details: { active_run_id: thread.active_run_id },
  });
}

async function checkActiveLimit(trx: Trx, orgId: string, limit: number | null): Promise<void> {
  if (limit === null) return;
  const row = await trx
    .selectFrom('runs')
    .select((eb) => eb.fn.countAll<number>().as('active'))
    .where('org_id', '=', orgId)
    .where('ended', '=', 0)
    .executeTakeFirstOrThrow();
  if (Number(row.active) < limit) return;
  throw new HoldfastError('limits.active_runs', `The organisation already has ${limit} active runs, its limit.`, {
    retryAfterS: ACTIVE_LIMIT_RETRY_S,
  });
}
