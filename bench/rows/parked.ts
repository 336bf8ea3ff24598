import { type Measure, medianOfRounds, percentile, type Row } from '../measure.ts';
import { residentBytes } from '../processes.ts';
import type { Stage } from '../stage.ts';
import { ASKS } from './steps.ts';

const CONCURRENCY = 20;
/** Parked in turn with bare workflows, so many times a part of them. */
const PARTS = 10;
const MIB = 2 ** 20;
/** What a worker with a full cache of workflows may hold: bare, 753 MB were measured. */
const WORKER_MIB = 1_024;

/** Thousands of runs that wait for a person, some of which are answered, beside as many bare workflows that wait for a signal. */
export const parked: Row = {
  name: 'parked',
  async measure(stage: Stage): Promise<Measure[]> {
    const { url, key, pids } = await stage.server();
    const { address, taskQueue, pid: barePid } = await stage.bare();
    const [count, answers, rounds] = stage.quick ? [200, 50, 2] : [10_000, 1_500, 60];
    const part = { count: count / PARTS, concurrency: CONCURRENCY };
    const parkedMs = { ours: 0, theirs: 0 };
    for (let i = 0; i < PARTS; i++) {
      parkedMs.ours += (await stage.load.ask('park', { url, key, ...part, input: ASKS })).elapsed;
      parkedMs.theirs += (await stage.load.ask('parkBare', { address, taskQueue, ...part })).elapsed;
    }
    const answered: number[][] = [];
    const signalled: number[][] = [];
    for (let round = 0; round < rounds; round++) {
      const some = { count: answers / rounds };
      answered.push((await stage.load.ask('answer', { url, key, ...some })).latencies);
      signalled.push((await stage.load.ask('signalBare', { address, taskQueue, ...some })).latencies);
    }
    const p95 = (rounds: number[][]) => percentile(rounds.flat(), 0.95);
    const resumed = (share: string, of: (rounds: number[][]) => number, goal: number): Measure => ({
      ...{ what: `answer → run.completed ${share}, ${count} parked`, unit: 'ms' },
      ...{ holdfast: of(answered), against: of(signalled), goal },
    });
    const rate = (ms: number) => (count * 1_000) / ms;
    return [
      resumed('p50', medianOfRounds, 1.2),
      resumed('p95', p95, 1),
      { what: 'runs parked', unit: '/s', holdfast: rate(parkedMs.ours), against: rate(parkedMs.theirs) },
      {
        ...{ what: `worker's memory, ${count} parked`, unit: 'MiB', goal: WORKER_MIB },
        ...{ holdfast: residentBytes(pids.worker) / MIB },
      },
      { what: "the bare worker's", unit: 'MiB', holdfast: residentBytes(barePid) / MIB },
      { what: "the Temporal server's", unit: 'MiB', holdfast: residentBytes(pids.temporal) / MIB },
    ];
  },
};
