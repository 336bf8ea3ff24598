import type { Selectable } from 'kysely';
import { HoldfastError } from '../../errors.ts';
import type { Answer, Effect, Idempotency } from '../../runs/types.ts';
import { type Meaning, readAnswer } from '../answers.ts';
import { raisedBudget } from '../budget.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { type CallSummary, openWaits, recordResult } from '../requests.ts';
import { append, lockRun, type NewEvent, type RunChange, type RunRecord, specOf } from '../run-row.ts';
import type { Schema } from '../schema.ts';
import { nextTurn, putIntent } from './engine.ts';
import { once } from './idempotency.ts';

type InputRecord = Selectable<Schema['inputs']>;

/**
 * Accepts an answer: exactly one for each request, and none after its expiry whether or not a worker ran. The call results it
 * gives are recorded in the same commit, with the intent to wake the workflow.
 * Errors: see `Holdfast.answerRun`.
 */
export function answerInput(
  trx: Trx,
  args: { org_id: string; once?: Idempotency; run_id: string; answer: Answer },
  ctx: TransactionContext,
): Promise<Effect<{ request_id: string }>> {
  return once(trx, ctx, args.org_id, args.once, async () => {
    const run = await lockRun(trx, args.org_id, args.run_id);
    const request = await addressed(trx, run, args.answer.request_id);
    if (request.state !== 'open') throw stale(request, request.state);
    if (run.ended || run.status === 'cancelling') throw stale(request, 'withdrawn');
    if (ctx.now >= request.expires_at) throw stale(request, 'expired');
    const calls = JSON.parse(request.tool_calls ?? '[]') as CallSummary[];
    const meaning = readAnswer(
      request.kind,
      args.answer,
      calls.map((call) => call.call_id),
    );
    await trx
      .updateTable('inputs')
      .set({ state: 'answered', answer: JSON.stringify(args.answer), closed_at: ctx.now })
      .where('id', '=', request.id)
      .where('org_id', '=', run.org_id)
      .execute();
    const received: NewEvent = {
      type: 'run.input_received',
      data: { request_id: request.id, kind: request.kind },
      stillWaiting: (await openWaits(trx, run.id)).length > 0,
    };
    const { results, change } = await applyAnswer(trx, ctx, run, meaning, calls);
    await append(trx, ctx, run, [received, ...results], change);
    await putIntent(trx, ctx, run, 'input', request.id);
    return { request_id: request.id };
  });
}

async function applyAnswer(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  meaning: Meaning,
  calls: CallSummary[],
): Promise<{ results: NewEvent[]; change: RunChange }> {
  if (meaning.kind === 'budget') {
    const spec = specOf(run);
    if (meaning.stop) return { results: [], change: { spec: JSON.stringify({ ...spec, budget_stopped: true }) } };
    const budget = raisedBudget(run, meaning.raise, await nextTurn(trx, run.id), ctx.now);
    return { results: [], change: { spec: JSON.stringify({ ...spec, budget }) } };
  }
  const outputs =
    meaning.kind === 'question'
      ? calls.map((call) => ({ call_id: call.call_id, output: meaning.content }))
      : calls.map((call) => ({ call_id: call.call_id, output: outputOf(meaning.outputs, call.call_id) }));
  const results: NewEvent[] = [];
  for (const { call_id, output } of outputs) {
    const result = await recordResult(trx, ctx, run.id, call_id, { status: 'ok', output });
    if (result) results.push(result);
  }
  return { results, change: {} };
}

const outputOf = (outputs: { call_id: string; output: string }[], callId: string) =>
  outputs.find((output) => output.call_id === callId)?.output ?? '';

/** The request an answer is for. Errors: `inputs.not_found`, `runs.not_active`, `runs.not_waiting`, `runs.input_ambiguous`. */
async function addressed(trx: Trx, run: RunRecord, requestId: string | undefined): Promise<InputRecord> {
  const requests = trx.selectFrom('inputs').selectAll().where('run_id', '=', run.id).where('org_id', '=', run.org_id);
  if (requestId !== undefined) {
    const request = await requests.where('id', '=', requestId).executeTakeFirst();
    if (!request) throw new HoldfastError('inputs.not_found', `Run ${run.id} has no request ${requestId}.`);
    return request;
  }
  if (run.ended) throw new HoldfastError('runs.not_active', `Run ${run.id} has ended (${run.status}).`);
  const open = await requests.where('state', '=', 'open').orderBy('id').execute();
  const [first] = open;
  if (!first) throw new HoldfastError('runs.not_waiting', `Run ${run.id} waits for no input (${run.status}).`);
  if (open.length > 1) {
    const ids = open.map((request) => request.id);
    throw new HoldfastError('runs.input_ambiguous', `Several requests are open: name one as request_id.`, {
      details: { request_ids: ids },
    });
  }
  return first;
}

function stale(request: InputRecord, state: string): HoldfastError {
  return new HoldfastError('runs.input_stale', `The request ${request.id} is no longer open: ${state}.`, {
    details: { request_id: request.id, state },
  });
}
