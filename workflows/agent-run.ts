/**
 * A run: turns and calls are activities, waiting is a signal, cancel is the workflow's cancellation. The journal decides and
 * remembers; this code only says what comes next, and holds references.
 */

import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  sleep,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { CallOutcome, CallRef, ChildRef, Position, Stop, Wait } from '../src/runs/outcomes.ts';
import type { CallArgs, RunActivities } from './activities.ts';
import { runChild } from './child-run.ts';
import { briefOptions, finishOptions, journalOptions, stepOptions } from './options.ts';
import { createPicture } from './picture.ts';
import { type AgentRunInput, INPUT_SIGNAL, type RunState, STATE_QUERY } from './run-input.ts';
import { heldCall } from './waits.ts';

/** History events after which the workflow goes on as a new one: replay after a worker's death stays short. */
const MAX_HISTORY_EVENTS = 1_000;
/** Pause before starting again from a journal that is behind: whatever restored it may still be at work. */
const BEHIND_PAUSE_MS = 1_000;
/** Pause after the journal said that a request has not expired yet: its clock and Temporal's may differ. */
const EARLY_PAUSE_MS = 1_000;
/** How long a cancelled run waits for Temporal's own cancel, which has been asked for, so as to close as Canceled. */
const CANCEL_ARRIVES_MS = 60_000;

export const inputSignal = defineSignal<[string]>(INPUT_SIGNAL);
export const stateQuery = defineQuery<RunState>(STATE_QUERY);

const steps = proxyActivities<Pick<RunActivities, 'modelTurn' | 'toolCall'>>(stepOptions);
const brief = proxyLocalActivities<Pick<RunActivities, 'toolCall'>>(briefOptions);
const journal = proxyActivities<Pick<RunActivities, 'loadRun' | 'expireInput'>>(journalOptions);
const { finishRun } = proxyActivities<Pick<RunActivities, 'finishRun'>>(finishOptions);

export async function agentRun(input: AgentRunInput): Promise<{ status: string }> {
  const run = { org_id: input.org_id, run_id: input.run_id, epoch: input.epoch };
  const picture = createPicture(input);
  const { state, show } = picture;
  /** What was told of by signal: requests that are answered, children that have ended. */
  const answered = new Set<string>();
  setHandler(inputSignal, (requestId) => void answered.add(requestId));
  setHandler(stateQuery, () => state);

  return await close(await untilStopped());

  /** A cancel from anywhere stops the run, whatever it was doing. */
  async function untilStopped(): Promise<Stop> {
    try {
      const stop = await take();
      if (stop.outcome !== 'behind') return stop;
      await sleep(BEHIND_PAUSE_MS);
      return await startAgain();
    } catch (error) {
      // A cancelled step whose worker is gone ends as a timeout, not as a cancellation.
      if (isCancellation(error) || CancellationScope.current().consideredCancelled) return { outcome: 'cancelled' };
      throw error;
    }
  }

  /** Takes step after step until the run stops. */
  async function take(): Promise<Stop> {
    let position = input.resume ? await journal.loadRun(run) : undefined;
    let next = 1;
    for (;;) {
      if (position?.outcome === 'position') {
        next = position.turn;
        state.turn = Math.max(state.turn, next - 1);
        const stop = await work(position);
        if (stop) return stop;
      } else if (position) return position;
      if (historyIsLong()) await startAgain();
      state.turn = next;
      const outcome = await turn();
      if (outcome.outcome === 'tools') {
        position = { ...outcome, outcome: 'position', turn: state.turn + 1 };
      } else if (outcome.outcome === 'wait') {
        position = { outcome: 'position', turn: state.turn, calls: [], waits: outcome.waits };
      } else return outcome;
    }
  }

  async function turn() {
    show(`turn ${state.turn}`);
    return await steps.modelTurn.executeWithOptions({ summary: `turn ${state.turn}` }, [{ ...run, turn: state.turn }]);
  }

  /** Runs the open calls of a turn, waits for its open requests and for its timers, all at once, each to its end. */
  async function work({ calls, waits, until, turn: next }: Position): Promise<Stop | undefined> {
    let stop: Stop | undefined;
    const stopped = () => stop !== undefined;
    const call = async ([idx, name, isBrief]: CallRef): Promise<void> => {
      const args = { ...run, turn: next - 1, idx };
      let tried = isBrief ? await callBriefly(args, name) : undefined;
      while (!stopped()) {
        const outcome: CallOutcome = tried ?? (await steps.toolCall.executeWithOptions({ summary: name }, [args]));
        tried = undefined;
        if (outcome.outcome === 'done') return;
        if (outcome.outcome === 'child') {
          await child(outcome.child, stopped);
          continue;
        }
        const end = outcome.outcome === 'wait' ? await answersTo([outcome.wait], stopped) : outcome;
        stop ??= end;
      }
    };
    const answers = async (): Promise<void> => {
      const end = await answersTo(plain, stopped);
      stop ??= end;
    };
    const callOnceAnswered = async (wait: Wait): Promise<void> => {
      const end = await answersTo([wait], stopped);
      stop ??= end;
      const held = heldCall(wait);
      if (held) await call(held);
    };
    const timers = async (time: number): Promise<void> => {
      const left = time - Date.now();
      if (left <= 0) return;
      await picture.whileOpen('timer', new Date(time).toISOString(), () =>
        condition(stopped, left, { summary: 'wait' }),
      );
    };
    const plain = waits.filter((wait) => !heldCall(wait));
    if (calls.length > 0) show(`turn ${next - 1}: ${calls.map(([, name]) => name).join(', ')}`);
    const ends = await Promise.allSettled([
      ...calls.map(call),
      ...(plain.length > 0 ? [answers()] : []),
      ...waits.filter(heldCall).map(callOnceAnswered),
      ...(until === undefined ? [] : [timers(until)]),
    ]);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return stop;
  }

  /** Makes a brief call; undefined when that failed, for whatever reason: then it is a step like others. */
  async function callBriefly(args: CallArgs, summary: string): Promise<CallOutcome | undefined> {
    try {
      return await brief.toolCall.executeWithOptions({ summary }, [args]);
    } catch (error) {
      // A local activity's failure is not wrapped as an activity's is. That the call alone was cancelled is a failure like others.
      if (CancellationScope.current().consideredCancelled || !(error instanceof TemporalFailure)) throw error;
      return undefined;
    }
  }

  /**
   * Runs a child until it ends: its workflow closes, or a signal tells of its end in the journal (another copy of this workflow, or
   * the relay, runs it; or Temporal lost it without a word). A cancelled run does not wait here: `finishRun` does, for so long.
   */
  async function child(ref: ChildRef, stopped: () => boolean): Promise<void> {
    const told = () => condition(() => answered.has(ref.run_id) || stopped());
    const closed = runChild(input, ref).then((ran) => (ran ? undefined : told()));
    // Whichever is first decides; the other may fail later, when nobody asks any more.
    closed.catch(() => undefined);
    await picture.whileOpen(ref.run_id, `the run ${ref.run_id} (${ref.persona})`, () => Promise.race([closed, told()]));
    answered.delete(ref.run_id);
  }

  /** Waits until every request is answered, or the journal says that one expired. The timer only asks. */
  async function answersTo(waits: Wait[], stopped: () => boolean): Promise<Stop | undefined> {
    const expiries = new Map(waits.map(([id, expiresAt]): [string, number] => [id, expiresAt]));
    const unanswered = () => [...expiries.keys()].filter((id) => !answered.has(id));
    picture.startWaiting(waits.filter(([id]) => !answered.has(id)));
    try {
      while (unanswered().length > 0 && !stopped()) {
        const soonest = unanswered().reduce((a, b) => ((expiries.get(a) ?? 0) <= (expiries.get(b) ?? 0) ? a : b));
        const count = unanswered().length;
        const left = Math.max(1, (expiries.get(soonest) ?? 0) - Date.now());
        if (await condition(() => unanswered().length < count || stopped(), left, { summary: 'input expires' }))
          continue;
        const outcome = await journal.expireInput({ ...run, request_id: soonest });
        if (outcome.outcome === 'answered') answered.add(soonest);
        else if (outcome.outcome === 'early') {
          expiries.set(soonest, Math.max(outcome.expires_at, Date.now() + EARLY_PAUSE_MS));
        } else return outcome;
      }
    } finally {
      for (const id of expiries.keys()) answered.delete(id);
    }
    picture.stopWaiting([...expiries.keys()]);
    return undefined;
  }

  /** Closes the workflow as the run ended. */
  async function close(stop: Stop): Promise<{ status: string }> {
    if (stop.outcome === 'superseded') return { status: 'superseded' };
    if (stop.outcome === 'ended' && stop.status !== 'cancelled') return closeEnded(stop);
    const scope = CancellationScope.current();
    const told = scope.consideredCancelled;
    show('cancelling');
    const end = await CancellationScope.nonCancellable(() =>
      finishRun({ ...run, as: { status: 'cancelled', reason: 'cancel_requested' }, ask_cancel: !told }),
    );
    if (end.outcome !== 'ended' || end.status !== 'cancelled') return close(end);
    if (!told) await Promise.race([scope.cancelRequested, sleep(CANCEL_ARRIVES_MS)]);
    throw new CancelledFailure('The run was cancelled.');
  }

  function closeEnded(stop: Extract<Stop, { outcome: 'ended' }>): { status: string } {
    show(stop.status);
    if (stop.status === 'completed') return { status: stop.status };
    throw ApplicationFailure.nonRetryable(`The run failed: ${stop.code}.`, stop.code ?? 'run.failed');
  }

  /** Goes on as a new workflow that asks the journal where the run is: the same path as a rebuild. */
  async function startAgain(): Promise<never> {
    return await continueAsNew<typeof agentRun>({ ...input, resume: true });
  }
}

function historyIsLong(): boolean {
  const info = workflowInfo();
  return info.continueAsNewSuggested || info.historyLength > MAX_HISTORY_EVENTS;
}
