/** Every operation with its path, and what the objects in its path are called when they are not found. */

export type Ids = { asst: string; thread: string; msg: string; run: string; step: string };
export type Endpoint = {
  operation: string;
  method: 'GET' | 'POST' | 'DELETE';
  /** With the names of `Ids` in braces. */
  path: string;
  /** A list: takes limit, order, after and before, the latter two being ids of these. */
  list?: keyof Ids;
};

export const NOUNS: Record<keyof Ids, string> = {
  ...{ asst: 'assistant', thread: 'thread', msg: 'message', run: 'run', step: 'run step' },
};

export const ENDPOINTS: Endpoint[] = [
  { operation: 'createAssistant', method: 'POST', path: '/assistants' },
  { operation: 'listAssistants', method: 'GET', path: '/assistants', list: 'asst' },
  { operation: 'getAssistant', method: 'GET', path: '/assistants/{asst}' },
  { operation: 'modifyAssistant', method: 'POST', path: '/assistants/{asst}' },
  { operation: 'deleteAssistant', method: 'DELETE', path: '/assistants/{asst}' },
  { operation: 'createThread', method: 'POST', path: '/threads' },
  { operation: 'createThreadAndRun', method: 'POST', path: '/threads/runs' },
  { operation: 'getThread', method: 'GET', path: '/threads/{thread}' },
  { operation: 'modifyThread', method: 'POST', path: '/threads/{thread}' },
  { operation: 'deleteThread', method: 'DELETE', path: '/threads/{thread}' },
  { operation: 'createMessage', method: 'POST', path: '/threads/{thread}/messages' },
  { operation: 'listMessages', method: 'GET', path: '/threads/{thread}/messages', list: 'msg' },
  { operation: 'getMessage', method: 'GET', path: '/threads/{thread}/messages/{msg}' },
  { operation: 'modifyMessage', method: 'POST', path: '/threads/{thread}/messages/{msg}' },
  { operation: 'deleteMessage', method: 'DELETE', path: '/threads/{thread}/messages/{msg}' },
  { operation: 'createRun', method: 'POST', path: '/threads/{thread}/runs' },
  { operation: 'listRuns', method: 'GET', path: '/threads/{thread}/runs', list: 'run' },
  { operation: 'getRun', method: 'GET', path: '/threads/{thread}/runs/{run}' },
  { operation: 'modifyRun', method: 'POST', path: '/threads/{thread}/runs/{run}' },
  { operation: 'cancelRun', method: 'POST', path: '/threads/{thread}/runs/{run}/cancel' },
  { operation: 'submitToolOutputs', method: 'POST', path: '/threads/{thread}/runs/{run}/submit_tool_outputs' },
  { operation: 'listRunSteps', method: 'GET', path: '/threads/{thread}/runs/{run}/steps', list: 'step' },
  { operation: 'getRunStep', method: 'GET', path: '/threads/{thread}/runs/{run}/steps/{step}' },
];

/** Bodies with which the operation would be accepted, for those that need one. */
export const VALID_BODIES: Record<string, unknown> = {
  createAssistant: { model: 'gpt-4o' },
  createMessage: { role: 'user', content: 'Hello' },
  createRun: { assistant_id: 'assistant' },
  createThreadAndRun: { assistant_id: 'assistant' },
  submitToolOutputs: { tool_outputs: [] },
};

export const namesIn = (path: string) => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as keyof Ids);
export const fill = (path: string, ids: Ids) => path.replace(/\{(\w+)\}/g, (_, name: keyof Ids) => ids[name]);
