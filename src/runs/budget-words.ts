import type { Budget } from './types.ts';

type Limit = keyof Omit<Budget, 'on_exceeded'>;

/** Why a run whose budget is spent failed: the message of its `budget.exceeded`. */
export const spentBudget = (limit: Limit, allowed: number, used: string) =>
  `The run's budget is spent: ${limit} is ${allowed}, ${used}.`;

/** The limit that such a message names. */
export const spentLimit = (message: string) => /^The run's budget is spent: (\w+) is /.exec(message)?.[1];
