import { readsBackwards } from '../../runs/cursor-pages.ts';
import { linkNext } from '../link.ts';
import type { RunStyle } from '../openai/run-style.ts';
import { type RunFacts, type RunState, runObject } from '../openai/views/run.ts';

/** Runs as UmamiAI writes them, their list a bare array. `expiresAfterS`: how long one may take, in seconds. */
export const umamiRuns = (expiresAfterS: number): RunStyle => ({
  expiresAfterS,
  show: umamiRun,
  list(c, { items, more }, asked) {
    const last = items.at(-1);
    // What a page that is read backwards has left out lies ahead of it, not behind.
    if (more && last && !readsBackwards(asked)) linkNext(c, 'after', last.id);
    return items;
  },
});

/** What UmamiAI names no field for is kept, and not shown. */
export function umamiRun(facts: RunFacts, state: RunState) {
  const { metadata, tool_choice, response_format, ...run } = runObject(facts, state);
  return run;
}
