import { eachAtATime } from '../../src/at-a-time.ts';
import type { Timed } from './jobs.ts';

/**
 * Does `count` pieces of work, `concurrency` at a time, and times each, from where it says that it begins if it does. `work` gives the id
 * of what it did.
 */
export async function atATime(
  count: number,
  concurrency: number,
  work: (begin: () => void, index: number) => Promise<string>,
): Promise<Timed> {
  const latencies: number[] = [];
  const ids: string[] = [];
  const started = performance.now();
  await eachAtATime(Array(count).keys(), concurrency, async (index) => {
    let from = performance.now();
    const begin = () => {
      from = performance.now();
    };
    const id = await work(begin, index);
    latencies.push(performance.now() - from);
    ids.push(id);
  });
  return { latencies, elapsed: performance.now() - started, ids };
}
