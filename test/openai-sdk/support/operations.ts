/** The calls of the Assistants dialect by the names of OpenAI's document (`operationId`), for the table of what works where. */

const OPERATIONS: [name: string, method: string, path: string][] = [
  ['listModels', 'GET', '/models'],
  ['createAssistant', 'POST', '/assistants'],
  ['listAssistants', 'GET', '/assistants'],
  ['getAssistant', 'GET', '/assistants/*'],
  ['modifyAssistant', 'POST', '/assistants/*'],
  ['deleteAssistant', 'DELETE', '/assistants/*'],
  ['createThread', 'POST', '/threads'],
  ['createThreadAndRun', 'POST', '/threads/runs'],
  ['getThread', 'GET', '/threads/*'],
  ['modifyThread', 'POST', '/threads/*'],
  ['deleteThread', 'DELETE', '/threads/*'],
  ['createMessage', 'POST', '/threads/*/messages'],
  ['listMessages', 'GET', '/threads/*/messages'],
  ['getMessage', 'GET', '/threads/*/messages/*'],
  ['modifyMessage', 'POST', '/threads/*/messages/*'],
  ['deleteMessage', 'DELETE', '/threads/*/messages/*'],
  ['createRun', 'POST', '/threads/*/runs'],
  ['listRuns', 'GET', '/threads/*/runs'],
  ['getRun', 'GET', '/threads/*/runs/*'],
  ['modifyRun', 'POST', '/threads/*/runs/*'],
  ['cancelRun', 'POST', '/threads/*/runs/*/cancel'],
  ['submitToolOutputs', 'POST', '/threads/*/runs/*/submit_tool_outputs'],
  ['listRunSteps', 'GET', '/threads/*/runs/*/steps'],
  ['getRunStep', 'GET', '/threads/*/runs/*/steps/*'],
];

/** Streams answer differently from plain calls, so the three that stream count twice. */
const STREAMING = ['createRun', 'createThreadAndRun', 'submitToolOutputs'];

export const OPERATION_NAMES = [...OPERATIONS.map(([name]) => name), ...STREAMING.map((name) => `${name} (stream)`)];

const patterns = OPERATIONS.map(([name, method, path]) => ({
  ...{ name, method },
  pattern: new RegExp(`^${path.replaceAll('*', '[^/]+')}$`),
}));

/** The operation that `method` and `path` (below the dialect's base) call; undefined for none of them. */
export function operationOf(method: string, path: string, streams: boolean): string | undefined {
  const name = patterns.find((it) => it.method === method && it.pattern.test(path))?.name;
  return name !== undefined && streams ? `${name} (stream)` : name;
}
