import type { Timed } from './jobs.ts';

/** Does `count` pieces of work, `concurrency` at a time, and times each. `work` gives the id of what it did. */
export async function atATime(count: number, concurrency: number, work: () => Promise<string>): Promise<Timed> {
  const latencies: number[] = [];
  let left = count;
  let lastId = '';
  const started = performance.now();
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const from = performance.now();
      lastId = await work();
      latencies.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, one));
  return { latencies, elapsed: performance.now() - started, lastId };
}
