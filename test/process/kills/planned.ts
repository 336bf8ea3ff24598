/** In a server that is to be killed: which transaction of the run it is at, and whether that is the planned one. */
import type { TransactionName } from '../../../src/journal/transactions/index.ts';
import { die } from './die.ts';
import { addCommit, COMMITS_FILE, PLAN_FILE, type Plan, readPlan } from './plan.ts';
import { TransactionNames } from './transaction-names.ts';

const { [PLAN_FILE]: planFile = '', [COMMITS_FILE]: commitsFile = '' } = process.env;
const names = new TransactionNames();
let plan: Plan | undefined;

/** The name of a transaction that was run. A refused one writes nothing and has no name; neither has one that is no run's. */
export function nameOf(name: TransactionName, args: unknown, result: unknown): string | undefined {
  if (names.beginsRun(name, result)) plan = readPlan(planFile);
  return names.of(name, args, result);
}

/** A commit of these transactions is about to be made: the process ends here if that is the plan. Gives what to call once it was. */
export function committing(transactions: string[]): () => void {
  const isPlanned = plan !== undefined && transactions.includes(plan.at);
  if (isPlanned && plan?.moment === 'before') die(transactions, 'before');
  return () => {
    if (isPlanned) die(transactions, 'after');
    if (transactions.length > 0) addCommit(commitsFile, { transactions });
  };
}
