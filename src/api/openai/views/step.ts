import type { Usage } from '../../../models/types.ts';
import type { LastError } from './outcome.ts';
import { type RunFacts, usageObject } from './run.ts';
import { unixSeconds } from './times.ts';

export type StepCall = { id: string; name: string; arguments: unknown; output: string | null };
export type StepEnd = 'completed' | 'failed' | 'cancelled' | 'expired';

/** A step of a run: a message, or the calls of a turn. Times are milliseconds since 1970. */
export type Step = {
  id: string;
  created_at: number;
  details: { message_id: string } | { calls: StepCall[] };
  end: null | { as: StepEnd; at: number; error: LastError | null };
  /** Null until it has completed. */
  usage: Usage | null;
};

/** Ids are made of the message's, or of the first call's: the same for every reader, and after every restart. */
export const stepIdOf = (id: string) => id.replace(/^[a-z]+_/, 'step_');

export function stepObject(run: RunFacts, { id, created_at, details, end, usage }: Step) {
  const endedAs = (as: StepEnd) => (end?.as === as ? unixSeconds(end.at) : null);
  return {
    id,
    object: 'thread.run.step',
    created_at: unixSeconds(created_at),
    run_id: run.id,
    assistant_id: run.assistant_id,
    thread_id: run.thread_id,
    type: 'calls' in details ? 'tool_calls' : 'message_creation',
    status: end?.as ?? 'in_progress',
    cancelled_at: endedAs('cancelled'),
    completed_at: endedAs('completed'),
    expired_at: endedAs('expired'),
    failed_at: endedAs('failed'),
    last_error: end?.error ? stepError(end.error) : null,
    step_details:
      'calls' in details
        ? { type: 'tool_calls', tool_calls: details.calls.map(callObject) }
        : { type: 'message_creation', message_creation: { message_id: details.message_id } },
    usage: usageObject(usage),
    metadata: {},
  };
}

export const callObject = (call: StepCall) => ({
  id: call.id,
  type: 'function',
  function: { name: call.name, arguments: JSON.stringify(call.arguments ?? {}), output: call.output },
});

/** A step knows two codes alone. */
const stepError = ({ code, message }: LastError) => ({
  code: code === 'rate_limit_exceeded' ? code : 'server_error',
  message,
});
