/** Every promise, held against the facts. */
import { checkAccepted, checkAnswers, checkEnds } from './accepted.ts';
import { checkCancels } from './cancels.ts';
import { checkExecutions } from './executions.ts';
import type { Facts } from './facts.ts';
import { checkHistories, checkShown } from './histories.ts';
import { checkRecovery } from './recovery.ts';
import { checkTexts } from './texts.ts';
import { checkThreads } from './threads.ts';

export const CHECKS = {
  crashes: ({ ended }) => ended.map((name) => `${name} ended by itself`),
  lost: checkAccepted,
  'not done': checkEnds,
  gaps: checkHistories,
  'changed after it was shown': checkShown,
  'texts that do not add up': checkTexts,
  duplicated: checkExecutions,
  'answers lost or applied twice': checkAnswers,
  'two runs of a thread at once': checkThreads,
  'work after its cancel': checkCancels,
  'slow to recover': checkRecovery,
} satisfies Record<string, (facts: Facts) => string[]>;

export type Violations = Record<keyof typeof CHECKS, string[]>;

export function check(facts: Facts): Violations {
  const found = Object.entries(CHECKS).map(([name, holds]) => [name, holds(facts)]);
  return Object.fromEntries(found) as Violations;
}
