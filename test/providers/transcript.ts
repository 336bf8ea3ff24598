/** What a provider was told, read back from a request of any wire, so that one test speaks of all three. */
import type { WireRequest } from '../wire/server.ts';

export type Line =
  | { role: 'system' | 'user' | 'assistant'; text: string }
  | { role: 'call'; id: string; name: string; arguments: unknown }
  | { role: 'result'; id: string; output: string };

/** The request's conversation in the wire's own order. */
export function transcript(request: WireRequest): Line[] {
  const { wire, body } = request;
  if (wire === 'openai') return (body.input as Item[]).flatMap(responsesLines);
  if (wire === 'openai-compatible') return (body.messages as Item[]).flatMap(chatLines);
  const system = ((body.system ?? []) as Block[]).map((block) => ({ role: 'system' as const, text: block.text ?? '' }));
  return [...system, ...(body.messages as Item[]).flatMap(anthropicLines)];
}

/** The output cap that the request carries, if it carries one. */
export function outputCap({ wire, body }: WireRequest): unknown {
  return wire === 'openai' ? body.max_output_tokens : body.max_tokens;
}

/** The names of the tools that the request offers. */
export function offered({ wire, body }: WireRequest): string[] {
  const tools = (body.tools ?? []) as { name?: string; function?: { name: string } }[];
  return tools.map((tool) => (wire === 'openai-compatible' ? tool.function?.name : tool.name) ?? '');
}

/** The lines without their ids: what was said, in order. */
export const said = (lines: Line[]): string[] =>
  lines.map((line) => {
    if (line.role === 'call') return `call ${line.name} ${JSON.stringify(line.arguments)}`;
    return line.role === 'result' ? `result ${line.output}` : `${line.role} ${line.text}`;
  });

/** Ids of the calls and of the results, each in the wire's order. */
export const callIds = (lines: Line[]) => lines.flatMap((line) => (line.role === 'call' ? [line.id] : []));
export const resultIds = (lines: Line[]) => lines.flatMap((line) => (line.role === 'result' ? [line.id] : []));

type Block = {
  type: string;
  text?: string;
  id?: string;
  name?: string;
  input?: unknown;
  tool_use_id?: string;
  content?: unknown;
};
type Item = {
  type?: string;
  role?: string;
  content?: unknown;
  call_id?: string;
  name?: string;
  arguments?: string;
  output?: unknown;
  tool_call_id?: string;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[];
};

const textIn = (content: unknown): string =>
  typeof content === 'string' ? content : ((content ?? []) as Block[]).map((block) => block.text ?? '').join('');
/** A `developer` message is a system message. */
const roleOf = (role: string | undefined): 'user' | 'assistant' | 'system' =>
  role === 'user' || role === 'assistant' ? role : 'system';

function responsesLines(item: Item): Line[] {
  if (item.type === 'function_call') {
    const { call_id: id = '', name = '', arguments: json = '' } = item;
    return [{ role: 'call', id, name, arguments: JSON.parse(json) }];
  }
  if (item.type === 'function_call_output')
    return [{ role: 'result', id: item.call_id ?? '', output: textIn(item.output) }];
  return [{ role: roleOf(item.role), text: textIn(item.content) }];
}

function chatLines(item: Item): Line[] {
  if (item.role === 'tool') return [{ role: 'result', id: item.tool_call_id ?? '', output: textIn(item.content) }];
  const text = textIn(item.content);
  return [
    ...(text === '' ? [] : [{ role: roleOf(item.role), text }]),
    ...(item.tool_calls ?? []).map((call) => ({
      role: 'call' as const,
      id: call.id,
      name: call.function.name,
      arguments: JSON.parse(call.function.arguments) as unknown,
    })),
  ];
}

function anthropicLines(item: Item): Line[] {
  if (typeof item.content === 'string') return [{ role: roleOf(item.role), text: item.content }];
  return (item.content as Block[]).map((block): Line => {
    if (block.type === 'tool_use')
      return { role: 'call', id: block.id ?? '', name: block.name ?? '', arguments: block.input };
    if (block.type === 'tool_result') {
      return { role: 'result', id: block.tool_use_id ?? '', output: textIn(block.content) };
    }
    return { role: roleOf(item.role), text: block.text ?? '' };
  });
}
