/**
 * Whether journal and Temporal agree about a run. They disagree after an operator's hand in Temporal, and after either was restored from
 * an older copy. The journal is right about what happened and what was said; Temporal is right about a run that was ended there.
 */
import type { Logger } from 'pino';
import type { RunState } from '../../workflows/run-input.ts';
import type { Journal } from '../journal/journal.ts';
import type { FinishRun } from '../journal/transactions/finish-run.ts';
import type { RunStatus } from '../runs/types.ts';
import type { Described, Engine } from './engine.ts';

/** What brings the two together again. */
export type Mend =
  /** The run ends in the journal, as its workflow did. */
  | { by: 'end'; epoch: number; as: FinishRun['as'] }
  /** The workflow is gone, or closed as if the run were done: another is started from the journal. */
  | { by: 'rebuild'; epoch: number }
  /** The workflow is one that the journal cannot go on with: it closes, and another is started from the journal. */
  | { by: 'replace'; epoch: number }
  /** The workflow cannot be replayed by the version that runs, and so cannot even close: another takes its place at once. */
  | { by: 'restart'; epoch: number }
  /** The workflow waits for what was answered: it is told so again. */
  | { by: 'wake'; requests: string[] }
  /** The workflow of a run that has ended, or is not in the journal: it closes, or is terminated where it cannot close. */
  | { by: 'close'; stuck: boolean };

/** `journal` and `temporal`: what each says of the run, in words. */
export type Disagreement = { org_id: string; run_id: string; journal: string; temporal: string; mend: Mend };

type Run = { org_id: string; run_id: string };

export type LookOptions = {
  /** A start was just refused because a closed workflow has the run's id. */
  closedStands?: boolean;
  /** Ask a running workflow what it waits for, whatever it seems to do; needs a worker. */
  ask?: boolean;
  /** Who is still to be asked, and who was: kept from look to look. */
  asking?: Asking;
};

/** Runs whose workflows are to be asked, until they answer; and the executions that answered and agreed, by run. */
export type Asking = { due: Set<string>; agreed: Map<string, string> };

/** Looks at an active run; undefined: they agree, or what will make them agree is on its way. */
export async function lookAtRun(
  deps: { journal: Journal; engine: Engine; log: Logger },
  run: Run,
  options: LookOptions = {},
): Promise<Disagreement | undefined> {
  const row = await activeRow(deps.journal, run);
  if (!row) return undefined;
  const { epoch } = row;
  const described = await deps.engine.describe(run.run_id);
  const { status } = described;
  const { org_id, run_id } = run;
  const found = (temporal: string, mend: Mend) => ({ org_id, run_id, journal: row.status, temporal, mend });
  if (status === 'terminated' || status === 'timed_out' || status === 'failed') {
    const message = `The workflow ${run.run_id} was ended in Temporal (${status}).`;
    return found(status, { by: 'end', epoch, as: { status: 'failed', code: 'engine.terminated', message } });
  }
  const stuck = status === 'running' ? await whyStuck(deps.engine, run_id, described) : undefined;
  if (stuck) return found(`running, with ${stuck}`, { by: 'restart', epoch });
  if (!options.closedStands && (await startIsDue(deps.journal, run))) return undefined;
  if (status === 'canceled') {
    return found(status, { by: 'end', epoch, as: { status: 'cancelled', reason: 'cancel_requested' } });
  }
  if (status !== 'running') return found(status, { by: 'rebuild', epoch });
  // An execution that the journal has not heard of: it was reset, or continued as new.
  const isOther = described.execution !== row.temporal_run_id;
  const { ask, asking } = options;
  const unasked = asking?.due.has(run_id) || (isOther && asking?.agreed.get(run_id) !== described.execution);
  if (!ask && !unasked && !(await seemsStuck(deps.journal, run, row.status, described))) return undefined;
  const state = await askWorkflow(deps, run_id);
  if (!state) return undefined;
  const wrong = await comparePictures(deps.journal, run, epoch, state);
  if (wrong) return found(wrong.temporal, wrong.mend);
  // One that is at work is on its way to somewhere else.
  if (described.idle) {
    asking?.due.delete(run_id);
    asking?.agreed.set(run_id, described.execution);
  }
  return undefined;
}

/** Of running workflows that Temporal lists: those whose run has ended before `endedBefore`, or is not in the journal. */
export async function lookAtWorkflows(
  deps: { journal: Journal; engine: Engine },
  runIds: Iterable<string>,
  endedBefore: number,
): Promise<Disagreement[]> {
  const found: Disagreement[] = [];
  const ids = [...runIds];
  while (ids.length > 0) {
    const some = ids.splice(0, IDS_AT_A_TIME);
    const rows = await deps.journal.db
      .selectFrom('runs')
      .select(['id', 'org_id', 'status', 'ended', 'last_event_at'])
      .where('id', 'in', some)
      .execute();
    const known = new Map(rows.map((row) => [row.id, row]));
    for (const run_id of some) {
      const row = known.get(run_id);
      if (row && (row.ended === 0 || row.last_event_at > endedBefore)) continue;
      // A list may be late: whether it still runs says its own store.
      const described = await deps.engine.describe(run_id);
      if (described.status !== 'running') continue;
      const stuck = (await whyStuck(deps.engine, run_id, described)) !== undefined;
      const journal = row?.status ?? NOT_IN_JOURNAL;
      found.push({ org_id: row?.org_id ?? '', run_id, journal, temporal: 'running', mend: { by: 'close', stuck } });
    }
  }
  return found;
}

/** A workflow task that has failed before: the first failure may be that of a worker of another version, which is going. */
export const STUCK_ATTEMPTS = 3;
/**
 * The same where its first try ran out of time, half a minute in all: a worker fails a task it cannot replay at the first try only, and
 * lets later ones run out of time, so that nothing tells them from those of a worker that stands still.
 */
export const TIMED_OUT_ATTEMPTS = 6;
export const NOT_IN_JOURNAL = 'no such run';
const IDS_AT_A_TIME = 500;

/** A run at work has a step under way, waits for its timers or children, or waits for a person, which its status would say. */
async function seemsStuck(journal: Journal, run: Run, status: RunStatus, { idle }: Described): Promise<boolean> {
  if (!idle || status === 'waiting_for_input') return false;
  const sleeping = await journal.db
    .selectFrom('calls')
    .select('call_id')
    .where('run_id', '=', run.run_id)
    .where('org_id', '=', run.org_id)
    .where('status', '=', 'pending')
    .where('kind', 'in', ['timer', 'agent'])
    .limit(1)
    .executeTakeFirst();
  return sleeping === undefined;
}

/** Whether the version that runs cannot replay its history, in words: it does nothing any more, and cannot be asked anything. */
async function whyStuck(engine: Engine, runId: string, { task_attempt }: Described): Promise<string | undefined> {
  if (task_attempt < STUCK_ATTEMPTS) return undefined;
  const recorded = await engine.recordedTry(runId);
  if (recorded === 'failed') return 'a history that this version cannot replay';
  if (recorded === 'timed_out' && task_attempt >= TIMED_OUT_ATTEMPTS) return 'a task that no worker ends';
  return undefined;
}

async function askWorkflow(deps: { engine: Engine; log: Logger }, runId: string): Promise<RunState | undefined> {
  try {
    return await deps.engine.state(runId);
  } catch (error) {
    deps.log.debug({ run_id: runId, error: (error as Error).message }, 'a workflow did not say what it waits for');
    return undefined;
  }
}

async function comparePictures(
  journal: Journal,
  run: Run,
  epoch: number,
  state: RunState,
): Promise<{ temporal: string; mend: Mend } | undefined> {
  if (state.epoch !== epoch) {
    return { temporal: `running, copy ${state.epoch} of ${epoch}`, mend: { by: 'replace', epoch } };
  }
  if (state.waiting_for.length === 0) return undefined;
  const requests = await journal.db
    .selectFrom('inputs')
    .select(['id', 'state'])
    .where('run_id', '=', run.run_id)
    .where('org_id', '=', run.org_id)
    .where('id', 'in', state.waiting_for)
    .execute();
  const known = new Map(requests.map((request) => [request.id, request.state]));
  const unknown = state.waiting_for.filter((id) => !known.has(id));
  if (unknown.length > 0) {
    return { temporal: `running, waits for ${unknown.join(', ')}, unknown here`, mend: { by: 'replace', epoch } };
  }
  const closed = state.waiting_for.filter((id) => known.get(id) !== 'open');
  if (closed.length === 0) return undefined;
  return { temporal: `running, waits for ${closed.join(', ')}, closed here`, mend: { by: 'wake', requests: closed } };
}

/** Its start is still to be delivered: what is there yet means nothing. */
async function startIsDue(journal: Journal, run: Run): Promise<boolean> {
  const start = await journal.db
    .selectFrom('outbox')
    .select('id')
    .where('run_id', '=', run.run_id)
    .where('org_id', '=', run.org_id)
    .where('kind', '=', 'start')
    .executeTakeFirst();
  return start !== undefined;
}

async function activeRow(journal: Journal, run: Run) {
  return await journal.db
    .selectFrom('runs')
    .select(['epoch', 'status', 'temporal_run_id'])
    .where('id', '=', run.run_id)
    .where('org_id', '=', run.org_id)
    .where('ended', '=', 0)
    // One that waits for its thread has no workflow yet.
    .where('queued_input', 'is', null)
    .executeTakeFirst();
}
