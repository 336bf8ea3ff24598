import type { Frame } from '../dialects/client.ts';
import type { Stack } from '../support/stack.ts';

/** The fields of a run of Minds. */
export const FIELDS = [
  ...['id', 'assistant_id', 'cancelled_at', 'completed_at', 'created_at', 'expires_at', 'failed_at'],
  ...['incomplete_details', 'instructions', 'last_error', 'max_completion_tokens', 'max_prompt_tokens', 'metadata'],
  ...['model', 'object', 'required_action', 'response_format', 'started_at', 'status', 'thread_id', 'tool_choice'],
  ...['tools', 'truncation_strategy', 'usage', 'temperature', 'top_p'],
].sort();
export const fieldsOf = (run: object) => Object.keys(run).sort();

let made = 0;
/** A name that no run has. */
export const newName = () => `mdb_run_${(++made).toString(16).padStart(32, 'f')}`;

/** The runs in the frames of a stream. */
export const runsIn = (frames: Frame[]) =>
  frames.map(({ data }) => data).filter((data) => data.object === 'thread.run');

/** Our id of what Minds calls so. */
export async function idOf(stack: Stack, kind: 'thread' | 'run' | 'persona', alias: string): Promise<string> {
  const caller = await stack.holdfast.authenticate(stack.key, '0'.repeat(32));
  return String(await stack.holdfast.resolveAlias(caller, kind, alias));
}
