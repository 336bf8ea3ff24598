/** What a waiting run asks for, as function calls, and the outputs of such calls as answers. */
import { spentLimit } from '../../../runs/budget-words.ts';
import type { Answer, RequestKind } from '../../../runs/types.ts';

type Call = { call_id: string; name: string; arguments: unknown };

export type OpenRequest = {
  request_id: string;
  kind: RequestKind;
  prompt: string;
  options?: string[] | null;
  /** The calls that its answer gives results to, or that wait for it; a question's own. */
  tool_calls: Call[];
};

export type Action = { id: string; type: 'function'; function: { name: string; arguments: string } };

/** A call for each thing that is asked. A function of the client and a question keep the id of the model's own call. */
export function actionsOf(requests: OpenRequest[]): Action[] {
  return requests.flatMap(actionsOfOne);
}

function actionsOfOne(request: OpenRequest): Action[] {
  const [call] = request.tool_calls;
  switch (request.kind) {
    case 'tool_outputs':
      return request.tool_calls.map((it) => action(it.call_id, it.name, it.arguments));
    case 'question':
      return [
        action(call?.call_id ?? callIdOf(request), 'ask_user', { question: request.prompt, ...choices(request) }),
      ];
    case 'approval':
      return [action(callIdOf(request), 'approve_tool', { ...about(call), ...asked(request) })];
    case 'unknown_outcome':
      return [action(callIdOf(request), 'resolve_unknown', { ...about(call), ...asked(request) })];
    case 'budget':
      return [action(callIdOf(request), 'raise_budget', { limit: spentLimit(request.prompt), ...asked(request) })];
  }
}

/** The answers that outputs, one for each of `actionsOf(requests)`, give to the requests. */
export function answersFrom(
  requests: OpenRequest[],
  outputs: ReadonlyMap<string, string>,
): (Answer & { request_id: string })[] {
  return requests.map((request) => {
    const { request_id, kind } = request;
    const given = actionsOf([request]).map(({ id }) => ({ call_id: id, output: outputs.get(id) ?? '' }));
    return kind === 'tool_outputs'
      ? { request_id, tool_outputs: given }
      : { request_id, content: given[0]?.output ?? '' };
  });
}

const action = (id: string, name: string, args: unknown): Action => ({
  id,
  type: 'function',
  function: { name, arguments: JSON.stringify(args ?? {}) },
});

/** The id of a call that no model made. */
const callIdOf = ({ request_id }: OpenRequest) => request_id.replace(/^[a-z]+_/, 'call_');

const choices = ({ options }: OpenRequest) => (options ? { options } : {});
const asked = (request: OpenRequest) => ({ prompt: request.prompt, ...choices(request) });
const about = (call: Call | undefined) =>
  call ? { tool: call.name, arguments: call.arguments, call_id: call.call_id } : {};
