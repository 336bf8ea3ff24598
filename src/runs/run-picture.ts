/** A run with all that a dialect needs to say how it stands: its terms, its requests with their calls, what is at work. */
import type { ReadDb } from '../journal/journal.ts';
import { EXECUTED_KINDS, isReleased } from '../journal/open-calls.ts';
import { type RunRecord, specOf } from '../journal/run-row.ts';
import type { FinishReason } from '../models/types.ts';
import type { RunRequest, RunTerms, StandingOfRun } from './dialect-types.ts';
import { findRun } from './lists.ts';
import type { Answer } from './types.ts';
import { pendingInput, timeOf } from './views.ts';

/** A run that moves on each time that it is read is shown as it was at the last. */
const MAX_READS = 5;

export function termsOf(run: RunRecord): RunTerms {
  const spec = specOf(run);
  return {
    model: spec.asked_model ?? run.model,
    instructions: spec.instructions,
    additional_instructions: spec.additional_instructions,
    functions: spec.client_tools,
    settings: spec.settings ?? {},
    max_prompt_tokens: spec.max_prompt_tokens ?? null,
    max_completion_tokens: spec.max_completion_tokens ?? null,
    last_messages: spec.last_messages ?? null,
    expires_at: spec.expires_at === undefined ? null : timeOf(spec.expires_at),
    own: spec.own ?? [],
  };
}

/** Every request the run has made, oldest first, each with the calls an answer gives results to. */
export async function requestsOf(db: ReadDb, run: RunRecord, state?: RunRequest['state']): Promise<RunRequest[]> {
  let query = db.selectFrom('inputs').selectAll().where('run_id', '=', run.id).where('org_id', '=', run.org_id);
  if (state !== undefined) query = query.where('state', '=', state);
  const rows = await query.orderBy('id').execute();
  return rows.map((row) => ({
    ...pendingInput(row),
    tool_calls: JSON.parse(row.tool_calls ?? '[]') as RunRequest['tool_calls'],
    state: row.state,
    answer: row.answer === null ? null : (JSON.parse(row.answer) as Answer),
  }));
}

/** Why the model of a run that has completed stopped at last. */
export async function finishReasonOf(db: ReadDb, run: RunRecord): Promise<FinishReason | null> {
  if (run.status !== 'completed') return null;
  const event = await db
    .selectFrom('events')
    .select('data')
    .where('run_id', '=', run.id)
    .where('type', '=', 'message.completed')
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  return event ? (JSON.parse(event.data) as { finish_reason: FinishReason }).finish_reason : null;
}

type RunParts = { run: RunRecord; standing: StandingOfRun; finish_reason: FinishReason | null };

/**
 * A run, what it is at and how it ended, of one moment: it waits while a request is open, and where that is not what was read, the run has
 * moved on since `known` was, and all is read again. Errors: `runs.not_found`.
 */
export async function partsOf(db: ReadDb, known: RunRecord): Promise<RunParts> {
  let run = known;
  for (let reads = 1; ; reads++) {
    const [standing, finish_reason] = await Promise.all([standingOf(db, run), finishReasonOf(db, run)]);
    const isWaiting = run.status === 'waiting_for_input';
    if (isWaiting === standing.requests.length > 0 || reads === MAX_READS) return { run, standing, finish_reason };
    run = await findRun(db, run.org_id, run.id);
  }
}

/** What an active run is at; of one that has ended, nothing. */
export async function standingOf(db: ReadDb, run: RunRecord): Promise<StandingOfRun> {
  if (run.ended) return { requests: [], calls_at_work: false, resuming: false };
  const [requests, calls_at_work, resuming] = await Promise.all([
    requestsOf(db, run, 'open'),
    hasCallsAtWork(db, run),
    run.status === 'running' && isResuming(db, run),
  ]);
  return { requests, calls_at_work, resuming };
}

/** Calls that the server runs, or a child of the run, and that neither have a result nor wait for a person. Sleeping is no work. */
async function hasCallsAtWork(db: ReadDb, run: RunRecord): Promise<boolean> {
  const call = await db
    .selectFrom('calls')
    .select('call_id')
    .where('run_id', '=', run.id)
    .where('org_id', '=', run.org_id)
    .where('status', '=', 'pending')
    .where('kind', 'in', EXECUTED_KINDS)
    .where(isReleased)
    .limit(1)
    .executeTakeFirst();
  return call !== undefined;
}

/** An answer was accepted and its intent still says that nobody has acted on it: no step has begun since, no child is at work. */
async function isResuming(db: ReadDb, run: RunRecord): Promise<boolean> {
  const answered = await db
    .selectFrom('outbox')
    .innerJoin('inputs', 'inputs.id', 'outbox.ref')
    .select((eb) => eb.fn.max('inputs.closed_at').as('at'))
    .where('outbox.run_id', '=', run.id)
    .where('outbox.org_id', '=', run.org_id)
    .where('outbox.kind', '=', 'input')
    .executeTakeFirst();
  if (answered?.at == null) return false;
  const { at } = answered;
  const step = await db
    .selectFrom('steps')
    .select('step')
    .where('run_id', '=', run.id)
    .where((eb) => eb.or([eb('state', 'in', ['leased', 'child']), eb('started_at', '>=', at)]))
    .limit(1)
    .executeTakeFirst();
  return step === undefined;
}
