import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { HoldfastError } from '../src/errors.ts';
import { newLeaseToken } from '../src/ids.ts';
import type { BegunCall } from '../src/journal/transactions/tool-call.ts';
import type { CallOutcome, RunRef } from '../src/runs/outcomes.ts';
import { observeTool } from '../src/telemetry/observe-steps.ts';
import { McpUnavailable } from '../src/tools/mcp/server.ts';
import type { AgentTask } from '../src/tools/run-agent.ts';
import { type Tool, ToolCancelled, type ToolContext, type ToolOutcome } from '../src/tools/tool.ts';
import type { ActivityDeps } from './activity-deps.ts';
import { openProgress } from './call-progress.ts';
import { patiently } from './patience.ts';
import { MAX_TIMEOUT_MS, openStepSignal, type StepSignal, StepStopped } from './step-signal.ts';

/** `cut_off`: nobody knows whether the tool acted. `cancelled`: its run is being cancelled. */
type Stopped = 'cut_off' | 'cancelled';
type Begun = Extract<BegunCall, { begun: true }>;

/**
 * One call of a turn under a lease of its own. A call that has a result is not made again; one that was cut off is made again
 * only if its tool may be repeated, or a person said so. What goes wrong with a tool is a result for the model: the run goes on.
 * A call of `run_agent` makes its child run, which the workflow runs.
 */
export async function toolCall(deps: ActivityDeps, args: RunRef & { turn: number; idx: number }): Promise<CallOutcome> {
  const step = openStepSignal(deps.journal, args.run_id);
  try {
    const begun = await deps.write('beginCall', { ...args, token: newLeaseToken() });
    if (!begun.begun) return begun.outcome;
    step.handOverWith(begun.call.may_repeat ? deps.handover.repeatable : deps.handover.sideEffects);
    const started = Date.now();
    const outcome =
      begun.call.kind === 'agent' ? await startChild(deps, begun, args.turn, step) : await execute(deps, begun, step);
    if (typeof outcome === 'object' && 'outcome' in outcome) return outcome;
    if (outcome === 'cut_off') return await cutOff(deps, begun);
    if (outcome === 'cancelled') return { outcome: 'cancelled' };
    return await deps.write('completeCall', {
      lease: begun.lease,
      call_id: begun.call.call_id,
      ...outcome,
      duration_ms: Date.now() - started,
    });
  } finally {
    step.done();
  }
}

/** Makes the child run of a call; a task that cannot be given is a result for the model. */
async function startChild(
  deps: ActivityDeps,
  begun: Begun,
  turn: number,
  step: StepSignal,
): Promise<CallOutcome | ToolOutcome | Stopped> {
  const { lease, call } = begun;
  try {
    const prepare = () => deps.prepareChild(lease.org_id, call.arguments as AgentTask);
    const child = await patiently(prepare, step.signal);
    return await deps.write('createChild', {
      lease,
      call_id: call.call_id,
      turn,
      child,
      active_limit: deps.activeLimit,
    });
  } catch (error) {
    if (step.signal.aborted && (error as Error).name === 'AbortError') {
      return await cancelled(deps, begun, step, new ToolCancelled(call.name, Promise.resolve(true)));
    }
    if (!(error instanceof HoldfastError) || !CHILD_REFUSALS.includes(error.code)) throw error;
    return { status: 'error', output: `Not started: ${error.message}` };
  }
}

/** A persona that does not exist, or that this configuration cannot run. */
const CHILD_REFUSALS = ['personas.not_found', 'validation.failed'];

/** Runs the tool. */
async function execute(deps: ActivityDeps, begun: Begun, step: StepSignal): Promise<ToolOutcome | Stopped> {
  const { call, lease } = begun;
  const { call_id } = call;
  const until = begun.time_left_ms === undefined ? undefined : Date.now() + begun.time_left_ms;
  const onLeaseLost = () => step.stop('lease_lost');
  const progress = openProgress({ write: deps.write, lease, call_id, onLeaseLost, log: deps.log });
  try {
    const tool = await find(deps, begun, step);
    if ('status' in tool) return tool;
    const context: ToolContext = {
      call_id,
      signal: step.signal,
      // A server that had to start has taken of it.
      ...(until === undefined ? {} : { timeout_ms: Math.max(1, until - Date.now()) }),
      progress: progress.report,
    };
    const outcome = await observeTool(deps.telemetry, tool, () => tool.execute(call.arguments, context));
    await progress.flush();
    return outcome.status === 'unknown' ? 'cut_off' : outcome;
  } catch (error) {
    if (!(error instanceof ToolCancelled)) throw error;
    return await cancelled(deps, begun, step, error);
  }
}

/** Waits for a server that is starting as long as the run has time. Errors: `ToolCancelled`, where the step is stopped meanwhile. */
async function find(deps: ActivityDeps, { call, time_left_ms }: Begun, step: StepSignal): Promise<Tool | ToolOutcome> {
  const timeIsUp = time_left_ms === undefined ? [] : [AbortSignal.timeout(Math.min(time_left_ms, MAX_TIMEOUT_MS))];
  const signal = AbortSignal.any([step.signal, ...timeIsUp]);
  try {
    const tool = call.offered ? await deps.tools.find(call.name, signal) : undefined;
    return tool ?? { status: 'error', output: `There is no tool ${call.name}.` };
  } catch (error) {
    if (step.signal.aborted) throw new ToolCancelled(call.name, Promise.resolve(true));
    if (signal.aborted)
      return { status: 'timeout', output: `${call.name} was not available in the time that was left.` };
    if (!(error instanceof McpUnavailable)) throw error;
    return { status: 'error', output: `The tool ${call.name} is not available: ${error.message}` };
  }
}

/**
 * The step was stopped. On a cancel the tool is given its time to end, and named as unfinished if it does not. On the worker's
 * own end the call has had its time, and is handed over: made again where it may be repeated, asked about where it has side effects.
 */
async function cancelled(deps: ActivityDeps, begun: Begun, step: StepSignal, error: ToolCancelled): Promise<Stopped> {
  const reason: unknown = step.signal.reason;
  if (reason instanceof StepStopped && reason.reason === 'lease_lost') throw reason;
  if (isWorkersEnd(reason)) return 'cut_off';
  const ended = await error.ended;
  // A tool that did not end keeps its lease: the run's end names the call as unfinished.
  if (ended) await deps.write('releaseCall', { lease: begun.lease });
  if (reason instanceof CancelledFailure) throw reason;
  return 'cancelled';
}

const isWorkersEnd = (reason: unknown): boolean =>
  reason instanceof StepStopped
    ? reason.reason === 'worker_shutdown'
    : reason instanceof CancelledFailure && reason.message === 'WORKER_SHUTDOWN';

/** Gives the lease back; the next begin decides what becomes of the call. */
async function cutOff(deps: ActivityDeps, begun: Begun): Promise<CallOutcome> {
  await deps.write('releaseCall', { lease: begun.lease });
  throw ApplicationFailure.create({ type: 'step.cut_off', message: 'The call was cut off.', nextRetryDelay: 1 });
}
