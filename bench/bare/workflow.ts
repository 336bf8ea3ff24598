/** What runs are measured against: the least that Temporal can do for the same steps. */
import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type { answer } from './activity.ts';

const steps = proxyActivities<{ answer: typeof answer }>({ startToCloseTimeout: 10_000 });

export const goOn = defineSignal('goOn');

/** As many activities as asked for, one after the other, and after the first one `parallel` more at once. */
export async function bareWorkflow(question: string, activities: number, parallel: number): Promise<string> {
  let said = question;
  for (let i = 0; i < activities; i++) {
    said = await steps.answer(question);
    if (i === 0) await Promise.all(Array.from({ length: parallel }, () => steps.answer(question)));
  }
  return said;
}

/** An activity, a wait for a signal, an activity. */
export async function bareParked(question: string): Promise<string> {
  let told = false;
  setHandler(goOn, () => {
    told = true;
  });
  await steps.answer(question);
  await condition(() => told);
  return await steps.answer(question);
}
