import type { Measure } from '../measure.ts';
import { cpuMs, cpuMsWithChildren } from '../processes.ts';
import type { Stage } from '../stage.ts';
import type { Both } from './steps.ts';

const CONCURRENCY = 20;
const RUNS = 300;

/** Milliseconds of CPU a run, by process: of Temporal's server, of the worker (with its API), of PostgreSQL. */
export async function costOf(stage: Stage, { holdfast, bare }: Both, what: string): Promise<Measure[]> {
  const { pids } = await stage.server();
  const { pid: bareWorker } = await stage.bare();
  const temporal = () => cpuMs(pids.temporal);
  const ours = () => cpuMs(pids.worker) + (pids.api === pids.worker ? 0 : cpuMs(pids.api));
  const postgres = () => (pids.postgres === undefined ? 0 : cpuMsWithChildren(pids.postgres));
  const used = async (clocks: (() => number)[], work: () => Promise<unknown>) => {
    const before = clocks.map((clock) => clock());
    await work();
    return clocks.map((clock, i) => (clock() - (before[i] ?? 0)) / RUNS);
  };
  const [oursTemporal, oursOwn, oursPostgres] = await used([temporal, ours, postgres], () =>
    holdfast(RUNS, CONCURRENCY),
  );
  const [bareTemporal, bareOwn, barePostgres] = await used([temporal, () => cpuMs(bareWorker), postgres], () =>
    bare(RUNS, CONCURRENCY),
  );
  const cost = (part: string, of: number | undefined, against: number | undefined): Measure => ({
    ...{ what: `CPU of ${part}, ${what}`, unit: 'ms', holdfast: of ?? Number.NaN },
    ...(against === undefined ? {} : { against }),
  });
  return [
    cost("Temporal's server", oursTemporal, bareTemporal),
    cost('the worker (ours with its API)', oursOwn, bareOwn),
    ...(pids.postgres === undefined ? [] : [cost('PostgreSQL', oursPostgres, barePostgres)]),
  ];
}
