/** The end of a server by its own hand, at a commit. */
import { addCommit, COMMITS_FILE, type Moment } from './plan.ts';

const { [COMMITS_FILE]: commitsFile = '' } = process.env;

/** A commit that is lost takes its time first: whoever was told of it too early shows that. */
const SLOW_COMMIT_MS = 30;

/** SIGKILL to the whole process; this thread does nothing more. */
export function die(transactions: string[], killed: Moment): void {
  addCommit(commitsFile, { transactions, killed });
  if (killed === 'before') pause(SLOW_COMMIT_MS);
  process.kill(process.pid, 'SIGKILL');
  pause(Number.POSITIVE_INFINITY);
}

const pause = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
