import { type Measure, percentile, type Row } from '../measure.ts';
import { residentBytes } from '../processes.ts';
import type { Stage } from '../stage.ts';
import { both, ONE, ONE_TURN, rateOf } from './steps.ts';

const MINUTES = 30;
const WINDOW_MINUTES = 5;
const SAMPLE_EVERY_MS = 5_000;
const CONCURRENCY = 20;
/** Flat: the last five minutes in terms of the first. */
const FLAT = 1.2;
const MIB = 2 ** 20;

type Sample = { atMs: number; api: number; worker: number };

/** Half an hour at half of what the machine can do: latency and memory of the last five minutes beside the first. */
export const soak: Row = {
  name: 'soak',
  slow: true,
  async measure(stage: Stage): Promise<Measure[]> {
    const { url, key, pids } = await stage.server();
    const { holdfast } = await both(stage, ONE);
    await holdfast(100, CONCURRENCY);
    const perSecond = Math.round(rateOf([await holdfast(400, CONCURRENCY)]) / 2);
    const samples: Sample[] = [];
    const began = performance.now();
    const sampling = setInterval(() => {
      samples.push({
        atMs: performance.now() - began,
        ...{ api: residentBytes(pids.api) / MIB, worker: residentBytes(pids.worker) / MIB },
      });
    }, SAMPLE_EVERY_MS);
    const seconds = MINUTES * 60;
    const load = { url, key, perSecond, seconds, body: ONE_TURN };
    const { latencies, begun } = await stage.load.ask('steady', load).finally(() => clearInterval(sampling));
    const window = WINDOW_MINUTES * 60_000;
    const isFirst = (at: number) => at < window;
    const isLast = (at: number) => at >= seconds * 1_000 - window && at < seconds * 1_000;
    const latency = (isIn: typeof isFirst, share: number) =>
      percentile(
        latencies.filter((_, i) => isIn(begun[i] ?? 0)),
        share,
      );
    const memory = (of: 'api' | 'worker', isIn: typeof isFirst) =>
      percentile(
        samples.filter(({ atMs }) => isIn(atMs)).map((it) => it[of]),
        0.5,
      );
    const how = `last 5 of ${MINUTES} min at ${perSecond}/s, against the first`;
    return [
      ...[0.5, 0.99].map((share) => ({
        ...{ what: `create → run.completed p${share * 100}: ${how}`, unit: 'ms', goal: FLAT },
        ...{ holdfast: latency(isLast, share), against: latency(isFirst, share) },
      })),
      ...(pids.api === pids.worker ? (['worker'] as const) : (['api', 'worker'] as const)).map((of) => ({
        ...{ what: `memory of the ${of}: ${how}`, unit: 'MiB', goal: FLAT },
        ...{ holdfast: memory(of, isLast), against: memory(of, isFirst) },
      })),
    ];
  },
};
