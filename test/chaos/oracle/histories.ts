/** One history: gapless, ended once, and what was shown of it stays. */
import { checkHistory } from '../../support/events.ts';
import type { Facts } from './facts.ts';

const STATUS_AFTER: Record<string, string> = {
  'run.completed': 'completed',
  'run.failed': 'failed',
  'run.cancelled': 'cancelled',
};

export function checkHistories({ runs }: Facts): string[] {
  return [...runs.values()].flatMap(({ run_id, status, last_seq, events }) => {
    try {
      checkHistory(events);
    } catch (error) {
      return [`${run_id}: ${(error as Error).message}`];
    }
    const says = STATUS_AFTER[events.at(-1)?.type ?? ''];
    if (says !== status) return [`${run_id}: its last event says ${says}, its status is ${status}`];
    return last_seq === events.length ? [] : [`${run_id}: last_seq is ${last_seq} of ${events.length} events`];
  });
}

/** Every byte of every frame that a reader got is stored so. */
export function checkShown({ cases, runs }: Facts): string[] {
  return cases.flatMap(({ shown }) =>
    shown
      .filter(({ run_id, text }) => runs.get(run_id)?.text !== text)
      .map(({ run_id, events }) => `${run_id}: shown ${events.length} events`),
  );
}
