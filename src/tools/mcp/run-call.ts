import { cutOutput } from '../../cut-output.ts';
import { heldBack } from '../../held-back.ts';
import { callTimeoutMs, inSeconds, ToolCancelled, type ToolContext, type ToolOutcome } from '../tool.ts';
import type { Progress } from './call-watch.ts';
import { ConnectionLost } from './connection-lost.ts';
import { errorText } from './error-text.ts';
import { resultOutcome } from './result-text.ts';
import { type McpServer, McpUnavailable } from './server.ts';
import type { SessionCall } from './session.ts';

/** What the server is told as the reason of a cancel. */
const CANCELLED = 'the run was cancelled';
const TIMED_OUT = 'timed out';

export type CallTarget = {
  /** `server/tool`. */
  name: string;
  /** The tool's name at its server. */
  tool: string;
  may_repeat: boolean;
  timeout_s: number;
};

/**
 * One call of a server's tool, arguments already checked. The time limit counts from here, a start of the server included,
 * and progress does not extend it. A connection lost before the server had the request costs nothing; one lost afterwards
 * is tried once more where the tool may be repeated, else the outcome is unknown. Errors: `ToolCancelled` alone.
 */
export async function runCall(
  server: McpServer,
  target: CallTarget,
  args: unknown,
  context: ToolContext,
): Promise<ToolOutcome> {
  const timeoutMs = callTimeoutMs(target.timeout_s, context);
  const stop = stopSignal(context.signal, timeoutMs);
  let call: SessionCall | undefined;
  try {
    const result = server.use((session) => {
      stop.signal.throwIfAborted();
      const { tool } = target;
      const { call_id } = context;
      const onProgress = (progress: Progress) => {
        if (!stop.signal.aborted) context.progress(progress);
      };
      call = session.call({ tool, args, call_id, onProgress, signal: stop.signal });
      return call.result;
    }, target.may_repeat);
    return resultOutcome(await Promise.race([result, stop.aborted]));
  } catch (error) {
    if (!stop.signal.aborted) return failure(error, target);
    const ended = call?.ended() ?? Promise.resolve(true);
    if (stop.signal.reason === CANCELLED) throw new ToolCancelled(target.name, ended);
    return {
      status: 'timeout',
      output: `${target.name} did not end within ${inSeconds(timeoutMs)} and was told to stop.`,
    };
  } finally {
    stop.dispose();
  }
}

/** A signal of our own, because the SDK's listeners stay on the one it gets. */
function stopSignal(cancel: AbortSignal, timeoutMs: number) {
  const controller = new AbortController();
  const { promise, reject } = Promise.withResolvers<never>();
  // It may be that nobody waits for it any more.
  const aborted = heldBack(promise);
  const stop = (reason: string) => {
    controller.abort(reason);
    reject(new Error(reason));
  };
  const onCancel = () => stop(CANCELLED);
  const timer = setTimeout(() => stop(TIMED_OUT), timeoutMs);
  cancel.addEventListener('abort', onCancel);
  if (cancel.aborted) onCancel();
  return {
    signal: controller.signal,
    aborted,
    dispose: () => {
      clearTimeout(timer);
      cancel.removeEventListener('abort', onCancel);
    },
  };
}

function failure(error: unknown, target: CallTarget): ToolOutcome {
  if (error instanceof McpUnavailable) {
    return { status: 'error', output: cutOutput(`${target.name} was not called: ${error.message}`) };
  }
  if (!(error instanceof ConnectionLost)) {
    return { status: 'error', output: cutOutput(`${target.name} failed: ${errorText(error)}`) };
  }
  const what = `The connection to the server of ${target.name} was lost (${error.message})`;
  if (!error.reached) return { status: 'error', output: `${what} before the call.` };
  if (target.may_repeat) return { status: 'error', output: `${what} during the call, twice.` };
  return { status: 'unknown', output: `${what} during the call. Nobody knows whether it took effect.` };
}
