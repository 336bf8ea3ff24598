import type { Holdfast } from '../forms/form.ts';
import { distribution, type Measure, percentile, type Row } from '../measure.ts';
import { cpuMs } from '../processes.ts';
import type { Stage } from '../stage.ts';
import { eventLoopP99Ms } from './event-loop.ts';

const RUNS = 100;
/** What two cores carry with room to spare, beside their load, their database and Temporal. */
const FEWER_RUNS = 40;
const EVERY_MS = 20;
const SLOW_COMMIT_MS = 3;
const WARM_UP_CHUNKS = 100;
const GOALS = { embedded: { 0.5: 2, 0.99: 10 }, apart: { 0.5: 5, 0.99: 25 } };
const EVENT_LOOP_GOAL_MS = 5;

/** A chunk's way from the provider's socket to a reader's, through a commit: a hundred runs at fifty chunks a second, and fewer. */
export const delta: Row = {
  name: 'delta',
  async measure(stage: Stage): Promise<Measure[]> {
    const server = await stage.server();
    const fewer = await measureOn(stage, server, FEWER_RUNS, `, ${FEWER_RUNS} runs`);
    const usual = await measureOn(stage, server, RUNS, '');
    const slow = await stage.start({ commitDelayMs: SLOW_COMMIT_MS });
    try {
      return [...fewer, ...usual, ...(await measureOn(stage, slow, RUNS, `, commit + ${SLOW_COMMIT_MS} ms`))];
    } finally {
      await slow.stop();
    }
  },
};

async function measureOn(stage: Stage, { url, key, pids }: Holdfast, runs: number, how: string): Promise<Measure[]> {
  const stream = (chunks: number) => stage.load.ask('deltas', { url, key, runs, chunks, everyMs: EVERY_MS });
  await stream(WARM_UP_CHUNKS);
  await eventLoopP99Ms(url);
  const chunks = stage.quick ? 250 : 1_500;
  const cpu = () => cpuMs(pids.api) + (pids.worker === pids.api ? 0 : cpuMs(pids.worker));
  const temporal = () => cpuMs(pids.temporal);
  const before = [performance.now(), cpu(), temporal()] as const;
  const { delays } = await stream(chunks);
  const [elapsed, used, byTemporal] = [performance.now() - before[0], cpu() - before[1], temporal() - before[2]];
  const blocked = await eventLoopP99Ms(url);
  const goals = how === '' ? GOALS[stage.formName] : {};
  return [
    ...([0.5, 0.99] as const).map((share) => ({
      ...{ what: `chunk → reader p${share * 100}${how}`, unit: 'ms', holdfast: percentile(delays, share) },
      ...(share in goals ? { goal: (goals as Record<number, number>)[share] as number } : {}),
      ...(share === 0.5 ? { curve: distribution(delays) } : {}),
    })),
    { what: `CPU of a chunk, API and worker${how}`, unit: 'µs', holdfast: (used * 1_000) / (runs * chunks) },
    { what: `cores that Temporal's server takes meanwhile${how}`, unit: '', holdfast: byTemporal / elapsed },
    { what: `event loop of the API p99${how}`, unit: 'ms', holdfast: blocked, goal: EVENT_LOOP_GOAL_MS },
  ];
}
