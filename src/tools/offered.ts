/** The tools a run offers to its model, and what a call of the model means: who is to run it. */
import type { RunSpec } from '../journal/run-row.ts';
import type { TurnCall } from '../journal/transactions/complete-turn.ts';
import type { ModelPart, ToolSpec } from '../models/types.ts';
import { ASK_USER, askUserTool, readQuestion } from './ask-user.ts';

/** The tools of a run in the order it names them, its client's own last. */
export function offeredTools(spec: RunSpec): ToolSpec[] {
  const own = spec.tools.includes(ASK_USER) ? [askUserTool] : [];
  const client = spec.client_tools.map((tool) => ({
    name: tool.name,
    description: tool.description ?? '',
    parameters: tool.parameters ?? { type: 'object', properties: {} },
  }));
  return [...own, ...client];
}

/** Reads a call of the model: what cannot run has its error, which the model is told as the call's result. */
export function readCall(spec: RunSpec, part: Extract<ModelPart, { type: 'tool_call' }>): TurnCall {
  const call = { name: part.name, arguments: part.arguments };
  if (spec.client_tools.some((tool) => tool.name === part.name)) {
    return { kind: 'client', ...call, ...badJson(part) };
  }
  if (part.name === ASK_USER && spec.tools.includes(ASK_USER)) {
    return { kind: 'ask_user', ...call, ...(badJson(part) ?? readQuestion(part.arguments)) };
  }
  return { kind: 'server', offered: false, ...call, ...badJson(part) };
}

function badJson(part: Extract<ModelPart, { type: 'tool_call' }>): { error: string } | undefined {
  if (part.invalid === undefined) return undefined;
  return { error: `The arguments of ${part.name} are not a JSON object.` };
}
