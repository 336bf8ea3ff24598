import type { ModelRequest, PromptMessage } from '../types.ts';
import { type BadScript, type Directive, isScript, readScript } from './script.ts';

/** What the demo model does in one turn: its directives up to and including a tool call (or parallel calls). */
export type Turn = {
  directives: Directive[];
  /** Whether the script ends with this turn, so that the results are summed up. */
  last: boolean;
  results: ToolResult[];
};

type ToolResult = Extract<PromptMessage, { role: 'tool' }>['results'][number];

const OUTPUT_LIMIT = 400;

/**
 * The turn this request asks for, from its messages alone. The last user message decides: a script is continued after as
 * many of its calls as the assistant has made since; anything else is answered. A user message that
 * comes later in the same run is the last one then: it is answered, or begins a script of its own.
 */
export function nextTurn(request: ModelRequest): Turn | BadScript {
  const lastUser = request.messages.findLastIndex((message) => message.role === 'user');
  const user = request.messages[lastUser];
  const since = request.messages.slice(lastUser + 1);
  const results = since.flatMap((message) => (message.role === 'tool' ? message.results : []));
  if (user?.role !== 'user') {
    return { directives: [{ kind: 'say', text: 'There is no message to answer.' }], last: true, results: [] };
  }
  const text = textOf(user);
  if (!isScript(text)) {
    return { directives: [{ kind: 'say', text: `You said: ${text}` }], last: true, results };
  }
  const script = readScript(text);
  if ('problem' in script) return script;
  const made = since.reduce((sum, it) => sum + (it.role === 'assistant' ? it.tool_calls.length : 0), 0);
  const calls = made + (request.dropped_calls ?? 0);
  return { ...cutTurn(script, calls, request.parallel_tool_calls !== false), results };
}

/** The directives after the `calls`-th call of the script, up to the next call; with all the calls parallel to it. */
function cutTurn(script: Directive[], calls: number, parallel: boolean): { directives: Directive[]; last: boolean } {
  let start = 0;
  for (let left = calls; left > 0 && start < script.length; start++) if (script[start]?.kind === 'call') left--;
  const directives: Directive[] = [];
  for (let at = start; at < script.length; at++) {
    const directive = script[at] as Directive;
    directives.push(directive);
    const next = script[at + 1];
    const together = parallel && next?.kind === 'call' && next.parallel;
    if (directive.kind === 'call' && !together) return { directives, last: false };
  }
  return { directives, last: true };
}

/** What the demo model says of the tool results it saw; empty when there were none. */
export function summarise(results: ToolResult[]): string {
  if (results.length === 0) return '';
  const said = results.map(({ name, output, is_error: failed }) => {
    const short = output.length > OUTPUT_LIMIT ? `${output.slice(0, OUTPUT_LIMIT)}…` : output;
    if (failed) return `${name} failed: ${short}`;
    return name === 'ask_user' ? `${name} said "${short}"` : `${name} returned ${short}`;
  });
  return `Done. ${said.join('; ')}`;
}

/** Words of everything the model is told: a word of the prompt is one input token. */
export function countPromptWords(request: ModelRequest): number {
  let words = countWords(request.system);
  for (const message of request.messages) {
    if (message.role === 'user') words += countWords(textOf(message));
    else if (message.role === 'assistant') {
      words += countWords(message.content);
      for (const call of message.tool_calls) words += countWords(JSON.stringify(call.arguments ?? null));
    } else for (const result of message.results) words += countWords(result.output);
  }
  return words;
}

function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

function textOf(message: Extract<PromptMessage, { role: 'user' }>): string {
  return message.content.map((part) => (part.type === 'text' ? part.text : '[image]')).join(' ');
}
