import { type Measure, percentile, type Row } from '../measure.ts';
import type { Stage } from '../stage.ts';

const WARM_UP = 20;

/**
 * Create → `run.completed` at the client of a one-turn run, one at a time, beside a bare workflow's start → result. Not the
 * same road: the server starts its workflow eagerly in its own worker, the bare client is apart from its worker, as clients are.
 */
export const runLatency: Row = {
  name: 'run-latency',
  async measure(stage: Stage): Promise<Measure[]> {
    const { url, key, temporalAddress } = await stage.server();
    const taskQueue = await stage.bare();
    const runs = (count: number) => stage.load.ask('runs', { url, key, count, concurrency: 1 });
    const bare = (count: number) =>
      stage.load.ask('bare', { address: temporalAddress, taskQueue, count, concurrency: 1 });
    await runs(WARM_UP);
    await bare(WARM_UP);
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < (stage.quick ? 3 : 10); round++) {
      ours.push(...(await runs(50)).latencies);
      theirs.push(...(await bare(50)).latencies);
    }
    return [0.5, 0.95].map((share) => ({
      what: `create → run.completed p${share * 100}`,
      unit: 'ms',
      holdfast: percentile(ours, share),
      bare: percentile(theirs, share),
    }));
  },
};
