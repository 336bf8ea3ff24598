/** A thread runs one run at a time. */
import type { Facts, StoredRun } from './facts.ts';

export function checkThreads({ runs }: Facts): string[] {
  const began = [...runs.values()].filter(({ events }) => events[0]?.type === 'run.started');
  return [...Map.groupBy(began, (run) => run.thread_id)].flatMap(([thread, own]) => {
    const inOrder = own.toSorted((a, b) => beginOf(a) - beginOf(b));
    return inOrder.flatMap((run, i) => {
      const before = inOrder[i - 1];
      const overlaps = before !== undefined && beginOf(run) < endOf(before);
      return overlaps ? [`${thread}: ${run.run_id} began before ${before.run_id} had ended`] : [];
    });
  });
}

const beginOf = ({ events }: StoredRun) => Date.parse(events[0]?.created_at ?? '');
const endOf = ({ events }: StoredRun) => Date.parse(events.at(-1)?.created_at ?? '');
