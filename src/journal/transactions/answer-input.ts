import type { Selectable } from 'kysely';
import { HoldfastError } from '../../errors.ts';
import type { Answer, Effect, Idempotency } from '../../runs/types.ts';
import { type Meaning, readAnswer } from '../answers.ts';
import { raisedBudget } from '../budget.ts';
import { putIntent } from '../intents.ts';
import type { TransactionContext, Trx } from '../journal.ts';
import { type CallSummary, openWaits, recordResult } from '../requests.ts';
import { append, lockRun, type NewEvent, type RunChange, type RunRecord, specOf } from '../run-row.ts';
import type { CallStatus, Schema } from '../schema.ts';
import { nextTurn } from './engine.ts';
import { once } from './idempotency.ts';
import { RETRY_APPROVED } from './tool-call.ts';

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
    const { received, results } = await accept(trx, ctx, run, request, args.answer);
    await append(trx, ctx, run, [received, ...results]);
    return { request_id: request.id };
  });
}

/**
 * Accepts the answers to several requests of a run, each named by its id, all or none. Gives the seq of the first event that says
 * so. Errors: as for one answer, with `details.request_id`.
 */
export function answerAll(
  trx: Trx,
  args: { org_id: string; once?: Idempotency; run_id: string; answers: (Answer & { request_id: string })[] },
  ctx: TransactionContext,
): Promise<Effect<{ first_seq: number }>> {
  return once(trx, ctx, args.org_id, args.once, async () => {
    const run = await lockRun(trx, args.org_id, args.run_id);
    const first_seq = run.last_seq + 1;
    const received: NewEvent[] = [];
    const results: NewEvent[] = [];
    for (const answer of args.answers) {
      try {
        const said = await accept(trx, ctx, run, await addressed(trx, run, answer.request_id), answer);
        received.push(said.received);
        results.push(...said.results);
      } catch (error) {
        throw isOfAnswer(error) ? about(error, answer.request_id) : error;
      }
    }
    await append(trx, ctx, run, [...received, ...results]);
    return { first_seq };
  });
}

/** What the journal itself could not do is no fault of one of them. */
const isOfAnswer = (error: unknown): error is HoldfastError =>
  error instanceof HoldfastError && !error.code.startsWith('journal.');

const about = ({ code, message, details }: HoldfastError, requestId: string) =>
  new HoldfastError(code, message, { details: { ...details, request_id: requestId } });

async function accept(
  trx: Trx,
  ctx: TransactionContext,
  run: RunRecord,
  request: InputRecord,
  answer: Answer,
): Promise<{ received: NewEvent; results: NewEvent[] }> {
  if (request.state !== 'open') throw stale(request, request.state);
  if (run.ended || run.status === 'cancelling') throw stale(request, 'withdrawn');
  if (ctx.now >= request.expires_at) throw stale(request, 'expired');
  const calls = JSON.parse(request.tool_calls ?? '[]') as CallSummary[];
  const meaning = readAnswer(
    request.kind,
    answer,
    calls.map((call) => call.call_id),
  );
  await trx
    .updateTable('inputs')
    .set({ state: 'answered', answer: JSON.stringify(answer), closed_at: ctx.now })
    .where('id', '=', request.id)
    .where('org_id', '=', run.org_id)
    .execute();
  const received: NewEvent = {
    type: 'run.input_received',
    data: { request_id: request.id, kind: request.kind },
    stillWaiting: (await openWaits(trx, run.id)).length > 0,
  };
  const { results, change } = await applyAnswer(trx, ctx, run, meaning, calls);
  if (change.spec !== undefined) await append(trx, ctx, run, [], change);
  await putIntent(trx, ctx, run, 'input', request.id);
  return { received, results };
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
  const results: NewEvent[] = [];
  for (const call of calls) {
    const result = resultOf(meaning, call.call_id);
    if (!result && meaning.kind === 'unknown_outcome') await allowRetry(trx, run.id, call.call_id);
    if (!result) continue;
    const event = await recordResult(trx, ctx, run.id, call.call_id, result);
    if (event) results.push(event);
  }
  return { results, change: {} };
}

/** The call that was cut off is made once more and no further time, with the arguments of the request. */
async function allowRetry(trx: Trx, runId: string, callId: string): Promise<void> {
  const steps = trx.updateTable('steps').set({ state: 'released', release_reason: RETRY_APPROVED });
  await steps.where('step', '=', `call:${callId}`).where('run_id', '=', runId).execute();
}

/** The result that an answer gives to a call; undefined where it lets the call run. */
function resultOf(
  meaning: Exclude<Meaning, { kind: 'budget' }>,
  callId: string,
): { status: CallStatus; output: string } | undefined {
  switch (meaning.kind) {
    case 'question':
      return { status: 'ok', output: meaning.content };
    case 'tool_outputs':
      return { status: 'ok', output: outputOf(meaning.outputs, callId) };
    case 'approval': {
      if (meaning.approve) return undefined;
      return { status: 'denied', output: meaning.reason === '' ? DENIED : `${DENIED} Reason: ${meaning.reason}` };
    }
    case 'unknown_outcome': {
      if (meaning.next === 'retry') return undefined;
      if (meaning.next === 'result') return { status: 'ok', output: meaning.output };
      return { status: 'unknown', output: SKIPPED };
    }
  }
}

/** What the model is told of a call that a person did not allow. */
const DENIED = 'The user did not allow this call.';
/** What the model is told of a call that was cut off, where a person chose to go on without knowing. */
const SKIPPED = 'The call was cut off. Nobody knows whether it acted; the user chose to go on without it.';

const outputOf = (outputs: { call_id: string; output: string }[], callId: string) =>
  outputs.find((output) => output.call_id === callId)?.output ?? '';

/** The request an answer is for. Errors: `inputs.not_found`, `runs.not_active`, `runs.not_waiting`, `runs.input_ambiguous`. */
async function addressed(trx: Trx, run: RunRecord, requestId: string | undefined): Promise<InputRecord> {
  const requests = trx.selectFrom('inputs').selectAll().where('run_id', '=', run.id).where('org_id', '=', run.org_id);
  if (requestId !== undefined) {
    const request = await requests.where('id', '=', requestId).executeTakeFirst();
    if (!request) throw await notOfThisRun(trx, run, requestId);
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

/** Requests of a child are listed with its parent's, and answered at the child. */
async function notOfThisRun(trx: Trx, run: RunRecord, requestId: string): Promise<HoldfastError> {
  const other = await trx
    .selectFrom('inputs')
    .select('run_id')
    .where('id', '=', requestId)
    .where('org_id', '=', run.org_id)
    .executeTakeFirst();
  const where = other ? ` It is one of run ${other.run_id}: answer it there.` : '';
  return new HoldfastError('inputs.not_found', `Run ${run.id} has no request ${requestId}.${where}`);
}

function stale(request: InputRecord, state: string): HoldfastError {
  return new HoldfastError('runs.input_stale', `The request ${request.id} is no longer open: ${state}.`, {
    details: { request_id: request.id, state },
  });
}
