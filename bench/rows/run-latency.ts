import { type Measure, percentile, type Row } from '../measure.ts';
import type { Stage } from '../stage.ts';
import { both, inTurn, latenciesOf, ONE } from './steps.ts';

/**
 * Create → `run.completed` at the client of a one-turn run, one at a time, beside a bare workflow's start → result. Not the
 * same road: the server starts its workflow eagerly in its own worker, the bare client is apart from its worker, as clients are.
 */
export const runLatency: Row = {
  name: 'run-latency',
  async measure(stage: Stage): Promise<Measure[]> {
    const rounds = await inTurn(await both(stage, ONE), { rounds: stage.quick ? 3 : 10, count: 50, concurrency: 1 });
    const ours = latenciesOf(rounds.holdfast);
    const theirs = latenciesOf(rounds.bare);
    return [0.5, 0.95, 0.99].map((share) => ({
      what: `create → run.completed p${share * 100}`,
      unit: 'ms',
      holdfast: percentile(ours, share),
      against: percentile(theirs, share),
      ...(share === 0.5 ? { goal: 1.3, guard: 1.8 } : {}),
    }));
  },
};
