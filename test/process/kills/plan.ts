/** What a test and the server that it kills say to each other, in files: where to die, and what was committed until then. */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/** `before` the commit nothing of the transaction is left; `after` it nobody but the disk knows of it. */
export type Moment = 'before' | 'after';
/** `at` names a transaction of the run, as `Commit.transactions` does. */
export type Plan = { at: string; moment: Moment };
/** One commit of the writer that held transactions of the run, or the kill that came instead of it or right after it. */
export type Commit = { transactions: string[]; killed?: Moment };

/** The environment variables that name the two files to the server. */
export const PLAN_FILE = 'KILL_PLAN_FILE';
export const COMMITS_FILE = 'KILL_COMMITS_FILE';

export const writePlan = (file: string, plan: Plan) => writeFileSync(file, JSON.stringify(plan));
export const forgetPlan = (file: string) => rmSync(file, { force: true });
export function readPlan(file: string): Plan | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Plan) : undefined;
}

export const addCommit = (file: string, commit: Commit) => appendFileSync(file, `${JSON.stringify(commit)}\n`);
export const forgetCommits = (file: string) => rmSync(file, { force: true });
export function readCommits(file: string): Commit[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Commit);
}
