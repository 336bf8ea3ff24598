/** What a run is measured against: the least that Temporal can do, one activity. */
import { proxyActivities } from '@temporalio/workflow';
import type { answer } from './activity.ts';

const steps = proxyActivities<{ answer: typeof answer }>({ startToCloseTimeout: 10_000 });

export async function bareWorkflow(question: string): Promise<string> {
  return await steps.answer(question);
}
