/** `retention_days`: what ended longer ago is deleted, a bounded part at a time. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Journal } from './journal.ts';

const MS_PER_DAY = 24 * 60 * 60 * 1_000;
/** Rows that one transaction deletes at most. Every id is a parameter of a statement, of which SQLite takes 32,766. */
const ROWS_AT_A_TIME = 1_000;
/** Pause between two transactions: a long backlog must not take the writer from the runs that are at work. */
const PAUSE_MS = 20;

export type Retention = {
  /** 0: everything is kept. */
  days: number;
  /** Told of what was deleted. */
  purged: (what: 'runs' | 'threads', count: number) => void;
};

/** Deletes runs that ended, and threads without runs in which nothing happened, more than `days` ago; stops early when `stopped`. */
export async function purgeOld(journal: Journal, { days, purged }: Retention, stopped: () => boolean): Promise<void> {
  if (days <= 0) return;
  const before = Date.now() - days * MS_PER_DAY;
  for (let more = true; more && !stopped(); await delay(PAUSE_MS)) {
    const gone = await journal.write('purgeRuns', { before, limit: ROWS_AT_A_TIME });
    purged('runs', gone.runs);
    more = gone.more;
  }
  for (let gone = 1; gone > 0 && !stopped(); await delay(PAUSE_MS)) {
    gone = await journal.write('purgeThreads', { before });
    purged('threads', gone);
  }
}
