import type { OwnTerm } from '../../runs/dialect-types.ts';
import { listOf } from '../openai/lists.ts';
import type { RunStyle } from '../openai/run-style.ts';
import { type RunFacts, type RunState, runObject } from '../openai/views/run.ts';
import { shownMetadata } from './metadata.ts';

/** Runs as Minds writes them. They take as long as they need. */
export const mindsRuns: RunStyle = { show: mindsRun, list: (_c, runs) => listOf(runs) };

/** What the run's create did not ask for is null here, where OpenAI shows what applies; a text is then empty. */
export function mindsRun(facts: RunFacts, state: RunState) {
  const { parallel_tool_calls, ...run } = runObject(facts, state);
  const { own, additional_instructions, last_messages } = facts.terms;
  const ifOwn = <T>(term: OwnTerm, value: T) => (own.includes(term) ? value : null);
  return {
    ...run,
    model: ifOwn('model', run.model) ?? '',
    instructions: ifOwn('instructions', run.instructions) ?? additional_instructions,
    metadata: shownMetadata(facts.metadata),
    temperature: ifOwn('temperature', run.temperature),
    top_p: ifOwn('top_p', run.top_p),
    response_format: ifOwn('response_format', run.response_format),
    tool_choice: ifOwn('tool_choice', run.tool_choice),
    truncation_strategy: last_messages === null ? null : run.truncation_strategy,
  };
}
