/** Requests: what a run asks of a person or of its client, and the call results that an answer gives. */
import { newId } from '../ids.ts';
import type { Wait } from '../runs/outcomes.ts';
import type { RequestKind } from '../runs/types.ts';
import { callRefs } from './call-refs.ts';
import type { TransactionContext, Trx } from './journal.ts';
import { append, type NewEvent, type RunRecord, specOf } from './run-row.ts';
import type { CallStatus } from './schema.ts';

/** A question is its prompt; of the other kinds a client must see the calls. */
export const showsCalls = (kind: RequestKind): boolean => kind !== 'question' && kind !== 'budget';

export type CallSummary = { call_id: string; name: string; arguments: unknown };

/** Opens a request. The caller appends `event` in the same transaction. */
export async function openRequest(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  request: { kind: RequestKind; prompt: string; options?: string[]; tool_calls?: CallSummary[]; call_id?: string },
): Promise<{ wait: Wait; event: NewEvent }> {
  const id = newId('input');
  const { input_timeout_s, expires_at = Number.POSITIVE_INFINITY } = specOf(run);
  const expiresAt = Math.ceil(Math.min(ctx.now + input_timeout_s * 1000, expires_at));
  await trx
    .insertInto('inputs')
    .values({
      id,
      org_id: run.org_id,
      run_id: run.id,
      thread_id: run.thread_id,
      kind: request.kind,
      prompt: request.prompt,
      options: request.options ? JSON.stringify(request.options) : null,
      tool_calls: request.tool_calls ? JSON.stringify(request.tool_calls) : null,
      call_id: request.call_id ?? null,
      state: 'open',
      answer: null,
      created_at: ctx.now,
      expires_at: expiresAt,
      closed_at: null,
    })
    .execute();
  const data: Record<string, unknown> = { request_id: id, kind: request.kind, prompt: request.prompt };
  if (request.options) data.options = request.options;
  if (request.tool_calls && showsCalls(request.kind)) data.tool_calls = request.tool_calls;
  data.expires_at = new Date(expiresAt).toISOString();
  return { wait: [id, expiresAt, request.kind], event: { type: 'run.waiting_for_input', data } };
}

/** Records a call's result once and returns its event; a call that already has one is left as it is. */
export async function recordResult(
  trx: Trx,
  ctx: TransactionContext,
  runId: string,
  callId: string,
  result: { status: CallStatus; output: string; duration_ms?: number },
): Promise<NewEvent | undefined> {
  const call = await trx
    .updateTable('calls')
    .set({ status: result.status, output: result.output, completed_at: ctx.now })
    .where('call_id', '=', callId)
    .where('run_id', '=', runId)
    .where('status', '=', 'pending')
    .returning(['name', 'created_at'])
    .executeTakeFirst();
  if (!call) return undefined;
  const duration = result.duration_ms ?? ctx.now - call.created_at;
  return {
    type: 'tool.result',
    data: { call_id: callId, name: call.name, status: result.status, output: result.output, duration_ms: duration },
  };
}

/** Closes the open requests of a run: nothing answers them any more. */
export async function withdrawRequests(trx: Trx, ctx: TransactionContext, runId: string): Promise<void> {
  await trx
    .updateTable('inputs')
    .set({ state: 'withdrawn', closed_at: ctx.now })
    .where('run_id', '=', runId)
    .where('state', '=', 'open')
    .execute();
}

/** Records a call's result, as `recordResult`, and appends it. */
export async function appendResult(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  callId: string,
  result: Parameters<typeof recordResult>[4],
): Promise<void> {
  const event = await recordResult(trx, ctx, run.id, callId, result);
  if (event) await append(trx, ctx, run, [event]);
}

/** The open requests of a run, oldest first, as the workflow waits for them: with the calls that run after them. */
export async function openWaits(trx: Trx, runId: string): Promise<Wait[]> {
  const rows = await trx
    .selectFrom('inputs')
    .leftJoin('calls', 'calls.call_id', 'inputs.call_id')
    .select(['inputs.id', 'inputs.kind', 'inputs.expires_at', 'calls.idx', 'calls.name', 'calls.offered'])
    .where('inputs.run_id', '=', runId)
    .where('inputs.state', '=', 'open')
    .orderBy('inputs.id')
    .execute();
  const refs = callRefs(rows.map((row) => ({ idx: row.idx ?? 0, name: row.name ?? '', offered: row.offered ?? 0 })));
  return rows.map((row, i): Wait => [row.id, row.expires_at, row.idx === null ? row.kind : (refs[i] ?? row.kind)]);
}
