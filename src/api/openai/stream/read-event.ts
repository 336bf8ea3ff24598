/** Parts of native events whose shape the journal promises. */
import type { Usage } from '../../../models/types.ts';
import type { OpenRequest } from '../views/actions.ts';

export const readUsage = (usage: unknown): Usage | null => (usage as Usage | undefined) ?? null;

/** The data of `run.waiting_for_input`. */
export function readRequest(data: Record<string, unknown>): OpenRequest {
  const { request_id, kind, prompt, options, tool_calls } = data as OpenRequest & {
    tool_calls?: OpenRequest['tool_calls'];
  };
  return { request_id, kind, prompt, ...(options ? { options } : {}), tool_calls: tool_calls ?? [] };
}
