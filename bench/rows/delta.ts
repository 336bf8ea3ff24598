import { meanwhile } from '../clocks.ts';
import type { Holdfast } from '../forms/form.ts';
import { distribution, type Measure, median, percentile, type Row } from '../measure.ts';
import { cpuMs, cpuMsOf } from '../processes.ts';
import type { Stage } from '../stage.ts';
import { eventLoopP99Ms } from './event-loop.ts';

const RUNS = 100;
/** What two cores carry with room to spare, beside their load, their database and Temporal. */
const FEWER_RUNS = 40;
const EVERY_MS = 20;
const SLOW_COMMIT_MS = 3;
const WARM_UP_CHUNKS = 100;
/** Of each round: its first second, in which all runs start at once. */
const UNCOUNTED_CHUNKS = 50;
/** Figures are those of the middle round: a machine that stands still for a moment spoils one. */
const ROUNDS = { rounds: 9, chunks: 450 };
const QUICK_ROUNDS = { rounds: 1, chunks: 300 };
const GOALS = { embedded: { 0.5: 2, 0.99: 10 }, apart: { 0.5: 5, 0.99: 25 } };
const EVENT_LOOP_GOAL_MS = 5;

type Case = { how: string; server: Holdfast; runs: number; given: Round[] };
/** What one round of a case gave. */
type Round = {
  delays: number[];
  cpuOfChunkUs: number;
  /** Of the load: the provider's and the reader's. */
  loadOfChunkUs: number;
  temporalCores: number;
  blockedMs: number;
};

/** A chunk's way from the provider's socket to a reader's, through a commit: a hundred runs at fifty chunks a second, and fewer. */
export const delta: Row = {
  name: 'delta',
  async measure(stage: Stage): Promise<Measure[]> {
    const server = await stage.server();
    const fewer: Case = { how: `, ${FEWER_RUNS} runs`, server, runs: FEWER_RUNS, given: [] };
    const usual: Case = { how: '', server, runs: RUNS, given: [] };
    await measureRounds(stage, [fewer, usual]);
    // Not before: a second server that idles takes of the cores what the first one's tail shows.
    const slow = await stage.start({ commitDelayMs: SLOW_COMMIT_MS });
    try {
      const slowed: Case = { how: `, commit + ${SLOW_COMMIT_MS} ms`, server: slow, runs: RUNS, given: [] };
      await measureRounds(stage, [slowed]);
      return [...measuresOf(fewer), ...measuresOf(usual, GOALS[stage.formName]), ...measuresOf(slowed)];
    } finally {
      await slow.stop();
    }
  },
};

/** In turn: the longer a case takes, the less of it one slow minute spoils. */
async function measureRounds(stage: Stage, cases: Case[]): Promise<void> {
  const { rounds, chunks } = stage.quick ? QUICK_ROUNDS : ROUNDS;
  for (const it of cases) await stream(stage, it, WARM_UP_CHUNKS);
  for (let round = 0; round < rounds; round++) {
    for (const it of cases) it.given.push(await measureRound(stage, it, chunks));
  }
}

const stream = (stage: Stage, { server: { url, key }, runs }: Case, chunks: number) =>
  stage.load.ask('deltas', { url, key, runs, chunks, uncounted: UNCOUNTED_CHUNKS, everyMs: EVERY_MS });

async function measureRound(stage: Stage, it: Case, chunks: number): Promise<Round> {
  const { url, pids } = it.server;
  await eventLoopP99Ms(url);
  const { took, result } = await meanwhile(
    [() => performance.now(), () => cpuMsOf(pids), () => cpuMs(stage.load.pid), () => cpuMs(pids.temporal)],
    () => stream(stage, it, chunks),
  );
  const [elapsed, used, byLoad, byTemporal] = took;
  const ofChunkUs = (ms: number) => (ms * 1_000) / (it.runs * chunks);
  return {
    delays: result.delays,
    cpuOfChunkUs: ofChunkUs(used),
    loadOfChunkUs: ofChunkUs(byLoad),
    temporalCores: byTemporal / elapsed,
    blockedMs: await eventLoopP99Ms(url),
  };
}

function measuresOf({ how, given: rounds }: Case, goals: Record<number, number> = {}): Measure[] {
  const middle = (of: (round: Round) => number) => median(rounds.map(of));
  const tails = rounds.map(({ delays }) => percentile(delays, 0.99));
  const worst = { what: `slowest hundredth, worst of ${rounds.length} rounds${how}`, unit: 'ms' };
  return [
    ...[0.5, 0.99].map((share) => ({
      ...{ what: `chunk → reader p${share * 100}${how}`, unit: 'ms' },
      holdfast: middle(({ delays }) => percentile(delays, share)),
      ...(goals[share] === undefined ? {} : { goal: goals[share] }),
      ...(share === 0.5 ? { curve: distribution(rounds.flatMap(({ delays }) => delays)) } : {}),
    })),
    ...(rounds.length > 1 ? [{ ...worst, holdfast: Math.max(...tails) }] : []),
    { what: `CPU of a chunk, API and worker${how}`, unit: 'µs', holdfast: middle((it) => it.cpuOfChunkUs) },
    { what: `CPU of a chunk, provider and reader${how}`, unit: 'µs', holdfast: middle((it) => it.loadOfChunkUs) },
    {
      what: `cores that Temporal's server takes meanwhile${how}`,
      unit: '',
      holdfast: middle((it) => it.temporalCores),
    },
    {
      ...{ what: `event loop of the API p99${how}`, unit: 'ms', goal: EVENT_LOOP_GOAL_MS },
      holdfast: middle((it) => it.blockedMs),
    },
  ];
}
