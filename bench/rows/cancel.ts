import { type Measure, percentile, type Row } from '../measure.ts';
import type { Stage } from '../stage.ts';

const CONCURRENCY = 5;
const GOAL_MS = 200;

/** From the POST of a cancel to `run.cancelled` at the reader, while the model is silent. */
export const cancel: Row = {
  name: 'cancel',
  async measure(stage: Stage): Promise<Measure[]> {
    const { url, key } = await stage.server();
    const cancels = (count: number) => stage.load.ask('cancels', { url, key, count, concurrency: CONCURRENCY });
    await cancels(10);
    const { latencies } = await cancels(stage.quick ? 50 : 500);
    return [
      { what: 'cancel → run.cancelled p50', unit: 'ms', holdfast: percentile(latencies, 0.5) },
      { what: 'cancel → run.cancelled p99', unit: 'ms', holdfast: percentile(latencies, 0.99), goal: GOAL_MS },
    ];
  },
};
