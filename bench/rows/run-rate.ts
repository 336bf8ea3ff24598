import { type Measure, percentile, type Row } from '../measure.ts';
import type { Stage } from '../stage.ts';
import { both, inTurn, latenciesOf, ONE, rateOf } from './steps.ts';

const CONCURRENCIES = [1, 5, 20, 50, 100];
const QUICK_CONCURRENCIES = [20];
/** Where the goals are, each with this many runs. */
const WITH_GOALS = [20, 100];
const RUNS = 1_000;
const FEWER_RUNS = 250;
const QUICK_RUNS = 250;

/** One-turn runs a second, journal and event streams included, beside bare workflows a second. */
export const runRate: Row = {
  name: 'run-rate',
  async measure(stage: Stage): Promise<Measure[]> {
    const pair = await both(stage, ONE);
    const measures: Measure[] = [];
    for (const concurrency of stage.quick ? QUICK_CONCURRENCIES : CONCURRENCIES) {
      const hasGoal = WITH_GOALS.includes(concurrency);
      const runs = stage.quick ? QUICK_RUNS : hasGoal ? RUNS : FEWER_RUNS;
      const count = Math.max(50, concurrency * 2);
      const rounds = await inTurn(pair, { rounds: Math.ceil(runs / count), count, concurrency });
      const latencies = [latenciesOf(rounds.holdfast), latenciesOf(rounds.bare)] as const;
      const spread = latencies.map((it) => percentile(it, 0.95) / percentile(it, 0.5)) as [number, number];
      measures.push({
        ...{ what: `runs at ${concurrency} at a time`, unit: '/s' },
        ...{ holdfast: rateOf(rounds.holdfast), against: rateOf(rounds.bare) },
        at: concurrency,
        ...(hasGoal ? { goal: 0.9, guard: 0.55 } : {}),
      });
      if (concurrency === 100) {
        measures.push({ what: 'p95 in terms of p50 at 100', unit: '×', holdfast: spread[0], goal: 2 });
        measures.push({ what: 'the same of bare workflows', unit: '×', holdfast: spread[1] });
      }
    }
    return measures;
  },
};
