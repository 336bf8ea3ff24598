/** What counts as an answer to each kind of request. Pure: text in, meaning out. */
import { HoldfastError } from '../errors.ts';
import type { Answer, RequestKind } from '../runs/types.ts';
import { type BudgetLimit, LIMITS } from './budget.ts';

/** The native contract's limit of `content`, in bytes of UTF-8. */
export const MAX_CONTENT_BYTES = 32_768;
/** The native contract's limit of all tool outputs of one answer together, in bytes of UTF-8. */
export const MAX_OUTPUTS_BYTES = 1_048_576;

export type Meaning =
  | { kind: 'question'; content: string }
  | { kind: 'tool_outputs'; outputs: { call_id: string; output: string }[] }
  | { kind: 'approval'; approve: true }
  | { kind: 'approval'; approve: false; reason: string }
  | { kind: 'unknown_outcome'; next: 'retry' | 'skip' }
  | { kind: 'unknown_outcome'; next: 'result'; output: string }
  | { kind: 'budget'; stop: true }
  | { kind: 'budget'; stop: false; raise: Partial<Record<BudgetLimit, number>> | null };

/** Errors: `validation.failed` naming the field; the request stays open. */
export function readAnswer(kind: RequestKind, answer: Answer, callIds: string[]): Meaning {
  if (kind === 'tool_outputs') return { kind, outputs: readOutputs(answer, callIds) };
  if (answer.tool_outputs !== undefined)
    throw invalid('tool_outputs', `This request is a ${kind}: answer it with content.`);
  const content = readContent(answer.content);
  if (kind === 'question') return { kind, content };
  if (kind === 'approval') return readApproval(content);
  if (kind === 'unknown_outcome') return readOutcome(content);
  return readBudget(content);
}

function readContent(content: string | undefined): string {
  if (content === undefined || content.trim() === '') throw invalid('content', 'The answer is empty.');
  const bytes = Buffer.byteLength(content);
  if (bytes > MAX_CONTENT_BYTES) {
    throw invalid('content', `The answer has ${bytes} bytes; at most ${MAX_CONTENT_BYTES} are taken.`);
  }
  return content;
}

function readOutputs(answer: Answer, callIds: string[]): { call_id: string; output: string }[] {
  if (answer.content !== undefined) {
    throw invalid('content', 'This request takes tool_outputs, one for each of its calls, and no content.');
  }
  const outputs = answer.tool_outputs ?? [];
  const given = outputs.map((output) => output.call_id);
  const complete = given.length === callIds.length && callIds.every((id) => given.includes(id));
  if (!complete) {
    const got = given.join(', ') || 'none';
    throw invalid('tool_outputs', `Expected outputs for exactly the calls ${callIds.join(', ')}; got ${got}.`);
  }
  const bytes = outputs.reduce((sum, output) => sum + Buffer.byteLength(output.output), 0);
  if (bytes > MAX_OUTPUTS_BYTES) {
    throw invalid('tool_outputs', `The outputs have ${bytes} bytes together; at most ${MAX_OUTPUTS_BYTES} are taken.`);
  }
  return outputs;
}

function readApproval(content: string): Meaning {
  const text = content.trim();
  if (text === 'approve') return { kind: 'approval', approve: true };
  const denied = /^deny(?:\s*:\s*(.*))?$/s.exec(text);
  if (!denied) throw invalid('content', 'Answer `approve`, `deny`, or `deny: <reason>`.');
  return { kind: 'approval', approve: false, reason: denied[1]?.trim() ?? '' };
}

function readOutcome(content: string): Meaning {
  const text = content.trim();
  if (text === 'retry' || text === 'skip') return { kind: 'unknown_outcome', next: text };
  const output = /^result\s*:\s*(.+)$/s.exec(text)?.[1];
  if (output === undefined) throw invalid('content', 'Answer `retry`, `skip`, or `result: <text>`.');
  return { kind: 'unknown_outcome', next: 'result', output };
}

function readBudget(content: string): Meaning {
  const text = content.trim();
  if (text === 'stop') return { kind: 'budget', stop: true };
  if (text === 'raise') return { kind: 'budget', stop: false, raise: null };
  const json = /^raise\s+(\{.*\})$/s.exec(text)?.[1];
  if (!json) throw invalid('content', 'Answer `stop`, `raise`, or `raise {"max_cost_usd": 5}`.');
  return { kind: 'budget', stop: false, raise: readRaise(json) };
}

function readRaise(json: string): Partial<Record<BudgetLimit, number>> {
  let limits: unknown;
  try {
    limits = JSON.parse(json);
  } catch (error) {
    throw invalid('content', `What follows raise is no JSON: ${(error as Error).message}.`);
  }
  const entries = Object.entries(limits as object);
  for (const [name, value] of entries) {
    const known = (LIMITS as readonly string[]).includes(name);
    const whole = name === 'max_turns' || name === 'max_tokens';
    const fits =
      typeof value === 'number' && Number.isFinite(value) && value > 0 && (!whole || Number.isInteger(value));
    if (!known || !fits) {
      throw invalid(
        'content',
        `${name}: a budget is raised by positive numbers (whole ones for turns and tokens) for ${LIMITS.join(', ')}.`,
      );
    }
  }
  if (entries.length === 0) throw invalid('content', 'raise {} raises nothing.');
  return Object.fromEntries(entries) as Partial<Record<BudgetLimit, number>>;
}

function invalid(path: string, message: string): HoldfastError {
  return new HoldfastError('validation.failed', message, { details: { issues: [{ path, message }] } });
}
