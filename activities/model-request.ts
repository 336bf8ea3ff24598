/** What the model of one turn is told: instructions, tools, and as much of the thread as fits, under what is left of the budget. */
import { type budgetLeft, least } from '../src/journal/budget.ts';
import type { ReadDb } from '../src/journal/journal.ts';
import { type PromptWindow, readPrompt } from '../src/journal/prompt.ts';
import { type RunRecord, type RunSpec, specOf } from '../src/journal/run-row.ts';
import { estimateInput, knownInput, messageTokens } from '../src/models/estimate.ts';
import type { ModelRequest, ModelSettings, Route, ToolSpec } from '../src/models/types.ts';

type Left = ReturnType<typeof budgetLeft>;

/** `dropped`: messages of the thread that were left out. */
export async function modelRequest(
  db: ReadDb,
  route: Route,
  run: RunRecord,
  turn: { number: number; tools: ToolSpec[]; attempt: number },
  left: Left,
): Promise<{ request: ModelRequest; dropped: number }> {
  const spec = specOf(run);
  const told: ModelRequest = {
    system: [spec.instructions, spec.additional_instructions].filter((text) => text !== '').join('\n\n'),
    messages: [],
    tools: turn.tools,
    attempt: turn.attempt,
    tenant: run.org_id,
    ...settingsOf(spec, turn.number),
  };
  const window = windowOf(route, run, told, left.max_output_tokens);
  const prompt = await readPrompt(db, run.org_id, run.thread_id, window);
  const request = { ...told, messages: prompt.messages, dropped_calls: prompt.dropped_calls };
  return { request: capped(request, left, knownInput(route, request) ?? 0), dropped: prompt.dropped_messages };
}

/** A call that must be made is made once: every turn held to it would call for ever. */
function settingsOf({ settings = {} }: RunSpec, turn: number): ModelSettings {
  const forced = settings.tool_choice === 'required' || typeof settings.tool_choice === 'object';
  return forced && turn > 1 ? { ...settings, tool_choice: 'auto' } : settings;
}

/** The most of a context window that is kept free for the answer. */
const ANSWER_SHARE = 0.25;

/**
 * What the route's context and the run's own limit leave to the thread's messages, after instructions, tools and room for the
 * answer.
 */
function windowOf(route: Route, run: RunRecord, told: ModelRequest, maxOutput: number | undefined): PromptWindow {
  const { last_messages, max_prompt_tokens } = specOf(run);
  const before = last_messages === undefined ? {} : { before: { run_id: run.id, messages: last_messages } };
  const room = least(
    max_prompt_tokens === undefined ? undefined : max_prompt_tokens - run.input_tokens,
    route.context_tokens === null ? undefined : route.context_tokens - answerTokens(route.context_tokens, maxOutput),
  );
  if (room === undefined) return before;
  const max = room - estimateInput(route, told);
  return { ...before, tokens: { max, of: (message) => messageTokens(route, message) } };
}

const answerTokens = (context: number, maxOutput = Number.POSITIVE_INFINITY) =>
  Math.min(maxOutput, Math.floor(context * ANSWER_SHARE));

/** What is left of a budget caps the step's output; where its input is known beforehand, that is taken off. */
function capped(request: ModelRequest, left: Left, inputTokens: number): ModelRequest {
  const ofBudget = left.max_tokens === undefined ? undefined : left.max_tokens - inputTokens;
  const cap = least(left.max_output_tokens, ofBudget);
  return cap === undefined ? request : { ...request, max_output_tokens: Math.max(1, cap) };
}
