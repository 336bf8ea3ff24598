import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import type { BegunCall } from '../src/journal/transactions/tool-call.ts';
import type { CallOutcome, RunRef } from '../src/runs/outcomes.ts';
import { McpUnavailable } from '../src/tools/mcp/server.ts';
import { type Tool, ToolCancelled, type ToolOutcome } from '../src/tools/tool.ts';
import type { ActivityDeps } from './activity-deps.ts';
import { DeltaWriter } from './delta-writer.ts';
import { openStepSignal, type StepSignal, StepStopped } from './step-signal.ts';

/** `cut_off`: nobody knows whether the tool acted. `cancelled`: its run is being cancelled. */
type Stopped = 'cut_off' | 'cancelled';
type Begun = Extract<BegunCall, { begun: true }>;

/**
 * One call of a turn under a lease of its own. A call that has a result is not made again; one that was cut off is made again
 * only if its tool may be repeated, or a person said so. What goes wrong with a tool is a result for the model: the run goes on.
 */
export async function toolCall(deps: ActivityDeps, args: RunRef & { turn: number; idx: number }): Promise<CallOutcome> {
  const step = openStepSignal(deps.journal, args.run_id);
  try {
    const begun = await deps.write('beginCall', args);
    if (!begun.begun) return begun.outcome;
    const started = Date.now();
    const outcome = await execute(deps, begun, step);
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

/** Runs the tool. */
async function execute(deps: ActivityDeps, begun: Begun, step: StepSignal): Promise<ToolOutcome | Stopped> {
  const { call, lease } = begun;
  const tool = await find(deps, begun);
  if ('status' in tool) return tool;
  const writer = new DeltaWriter(deps.write, lease, () => step.stop('lease_lost'));
  const report = (data: Record<string, unknown>) =>
    writer.push({ type: 'tool.progress', data: { call_id: call.call_id, ...data } });
  try {
    const outcome = await tool.execute(call.arguments, {
      call_id: call.call_id,
      signal: step.signal,
      ...(begun.expires_at === undefined ? {} : { timeout_s: secondsUntil(begun.expires_at) }),
      // A refused append stops the step by the writer's own callback.
      progress: (data) => void report(data).catch(() => step.stop('lease_lost')),
    });
    await writer.flush();
    return outcome.status === 'unknown' ? 'cut_off' : outcome;
  } catch (error) {
    if (!(error instanceof ToolCancelled)) throw error;
    return await cancelled(deps, begun, step, error);
  }
}

/** What is left, in seconds: never nothing, so that the tool's own timeout ends the call. */
const secondsUntil = (at: number) => Math.max(1, at - Date.now()) / 1000;

async function find(deps: ActivityDeps, { call }: Begun): Promise<Tool | ToolOutcome> {
  try {
    const tool = call.offered ? await deps.tools.find(call.name) : undefined;
    return tool ?? { status: 'error', output: `There is no tool ${call.name}.` };
  } catch (error) {
    if (!(error instanceof McpUnavailable)) throw error;
    return { status: 'error', output: `The tool ${call.name} is not available: ${error.message}` };
  }
}

/**
 * The step was stopped. On a cancel the tool is given its time to end, and named as unfinished if it does not. On the worker's
 * own end the call is handed over: made again where it may be repeated, asked about where it has side effects.
 */
async function cancelled(deps: ActivityDeps, begun: Begun, step: StepSignal, error: ToolCancelled): Promise<Stopped> {
  const reason: unknown = step.signal.reason;
  if (reason instanceof StepStopped && reason.reason === 'lease_lost') throw reason;
  const ended = await error.ended;
  if (reason instanceof CancelledFailure && reason.message === 'WORKER_SHUTDOWN') return 'cut_off';
  // A tool that did not end keeps its lease: the run's end names the call as unfinished.
  if (ended) await deps.write('releaseCall', { lease: begun.lease });
  if (reason instanceof CancelledFailure) throw reason;
  return 'cancelled';
}

/** Gives the lease back; the next begin decides what becomes of the call. */
async function cutOff(deps: ActivityDeps, begun: Begun): Promise<CallOutcome> {
  await deps.write('releaseCall', { lease: begun.lease });
  throw ApplicationFailure.create({ type: 'step.cut_off', message: 'The call was cut off.', nextRetryDelay: 1 });
}
