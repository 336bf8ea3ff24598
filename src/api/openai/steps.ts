import { readsBackwards, toPage } from '../../runs/cursor-pages.ts';
import type { CursorPage } from '../../runs/dialect-types.ts';
import type { Caller, PageOf } from '../../runs/types.ts';
import type { AssistantsCore } from './core.ts';
import { listOf, readPage, readQuery } from './lists.ts';
import type { Mount } from './mount.ts';
import { invalidValue, notFound } from './refusals.ts';
import { RunStory } from './stream/story.ts';
import { factsOf } from './views/run.ts';
import { type Step, stepObject } from './views/step.ts';

type StepObject = ReturnType<typeof stepObject>;

/** `/threads/{thread_id}/runs/{run_id}/steps`: what a run's events say it did. */
export function mountSteps(mount: Mount, holdfast: AssistantsCore): void {
  const all = '/threads/{thread_id}/runs/{run_id}/steps';

  mount({ method: 'get', path: all, scope: 'runs:read' }, async ({ c, caller, params }) => {
    const page = readPage(c);
    return c.json(listOf(pageOf(await stepsOf(holdfast, caller, params), page)));
  });

  mount({ method: 'get', path: `${all}/{step_id}`, scope: 'runs:read' }, async ({ c, caller, params }) => {
    readQuery(c, []);
    const step = (await stepsOf(holdfast, caller, params)).find((it) => it.id === params.step_id);
    if (!step) throw notFound('run step', params.step_id);
    return c.json(step);
  });
}

/** Oldest first. */
async function stepsOf(
  holdfast: AssistantsCore,
  caller: Caller,
  { thread_id, run_id }: { thread_id: string; run_id: string },
): Promise<StepObject[]> {
  const facts = factsOf(await holdfast.runPicture(caller, thread_id, run_id));
  const steps: Step[] = [];
  const story = new RunStory(facts, { onStep: (step) => steps.push(step) });
  for (const event of await holdfast.milestones(caller, run_id)) story.take(event);
  return steps.map((step) => stepObject(facts, step));
}

/** A page of a list that is at hand, oldest first. Errors: refused for an unknown cursor. */
function pageOf(steps: StepObject[], page: CursorPage): PageOf<StepObject> {
  const ordered = page.order === 'asc' ? steps : steps.toReversed();
  const placeOf = (name: 'after' | 'before') => {
    const id = page[name];
    if (id === undefined) return undefined;
    const place = ordered.findIndex((step) => step.id === id);
    if (place === -1) throw invalidValue(name, `Unknown cursor ${id}.`);
    return place;
  };
  const after = placeOf('after');
  const before = placeOf('before');
  const between = ordered.slice(after === undefined ? 0 : after + 1, before);
  return toPage(readsBackwards(page) ? between.toReversed() : between, page);
}
