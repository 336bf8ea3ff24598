import { type Measure, median, type Row } from '../measure.ts';
import type { Stage } from '../stage.ts';

const CONCURRENCY = 20;
const WARM_UP = 40;

/** One-turn runs per second, twenty at a time, beside bare workflows per second. */
export const runRate: Row = {
  name: 'run-rate',
  async measure(stage: Stage): Promise<Measure[]> {
    const { url, key, temporalAddress } = await stage.server();
    const taskQueue = await stage.bare();
    const rate = async (asked: Promise<{ latencies: number[]; elapsed: number }>) => {
      const { latencies, elapsed } = await asked;
      return (latencies.length * 1_000) / elapsed;
    };
    const runs = (count: number) => rate(stage.load.ask('runs', { url, key, count, concurrency: CONCURRENCY }));
    const bare = (count: number) =>
      rate(stage.load.ask('bare', { address: temporalAddress, taskQueue, count, concurrency: CONCURRENCY }));
    await runs(WARM_UP);
    await bare(WARM_UP);
    const ours: number[] = [];
    const theirs: number[] = [];
    const perRound = stage.quick ? 100 : 400;
    for (let round = 0; round < (stage.quick ? 3 : 8); round++) {
      ours.push(await runs(perRound));
      theirs.push(await bare(perRound));
    }
    return [{ what: `runs at ${CONCURRENCY} at a time`, unit: '/s', holdfast: median(ours), bare: median(theirs) }];
  },
};
