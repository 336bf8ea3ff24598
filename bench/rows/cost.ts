import { meanwhile } from '../clocks.ts';
import type { Measure } from '../measure.ts';
import { cpuMs, cpuMsOf, cpuMsWithChildren } from '../processes.ts';
import type { Stage } from '../stage.ts';
import type { Both } from './steps.ts';

const CONCURRENCY = 20;
const RUNS = 300;

/** Milliseconds of CPU a run, by process: of Temporal's server, of the worker (with its API), of PostgreSQL. */
export async function costOf(stage: Stage, { holdfast, bare }: Both, what: string): Promise<Measure[]> {
  const { pids } = await stage.server();
  const { pid: bareWorker } = await stage.bare();
  const temporal = () => cpuMs(pids.temporal);
  const postgres = () => (pids.postgres === undefined ? 0 : cpuMsWithChildren(pids.postgres));
  const { took: ours } = await meanwhile([temporal, () => cpuMsOf(pids), postgres], () => holdfast(RUNS, CONCURRENCY));
  const { took: theirs } = await meanwhile([temporal, () => cpuMs(bareWorker), postgres], () =>
    bare(RUNS, CONCURRENCY),
  );
  const cost = (part: string, i: 0 | 1 | 2): Measure => ({
    ...{ what: `CPU of ${part}, ${what}`, unit: 'ms' },
    ...{ holdfast: ours[i] / RUNS, against: theirs[i] / RUNS },
  });
  return [
    cost("Temporal's server", 0),
    cost('the worker (ours with its API)', 1),
    ...(pids.postgres === undefined ? [] : [cost('PostgreSQL', 2)]),
  ];
}
