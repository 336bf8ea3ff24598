import type { Holdfast } from '../forms/form.ts';
import { type Filled, fill } from '../growth/fill.ts';
import { createFirstThread } from '../growth/first-thread.ts';
import { READS } from '../growth/reads.ts';
import { type Measure, medianOfRounds, percentile, type Row } from '../measure.ts';
import type { Stage } from '../stage.ts';
import { ONE_TURN } from './steps.ts';

/** Runs in the store; each has ten events. */
const SIZES = [1_000, 100_000, 1_000_000];
const QUICK_SIZES = [1_000, 10_000];
/** Flat: in terms of the smallest store. */
const FLAT = 1.2;
const GUARD = 2;
/** Where a read takes long, a few of them are enough to see it. */
const WITHIN_MS = 80;
/**
 * A server's speed differs from the next one's on the same store, as its code came to be compiled, and stays: several sets of
 * servers in turn. Many rounds of a few requests of every kind, so that whatever else the machine does meets all stores. Each create
 * waits for its run, and takes longer.
 */
const FULL = { sets: 8, reads: { rounds: 10, count: 10 }, creates: { rounds: 4, count: 10 } };
const QUICKLY = { sets: 1, reads: { rounds: 4, count: 25 }, creates: { rounds: 4, count: 25 } };
/** Rounds of a set that are not counted: code is compiled, plans and pages are cached. */
const WARM_UPS = 3;

/** Longer than the pause between two sweeps of a server. */
const WATCH_S = 25;
const WATCH_EVERY_MS = 5;

type Rounds = { rounds: number; count: number };
/** A store, and where it is. */
type Grown = { store: Filled; at: string };
/** A server on it, and a run there that has not ended. */
type Served = { server: Holdfast; store: Filled; waiting: string };
/** What a server is asked so many times in a row. */
type Asked = { what: string; ask(of: Served, count: number): Promise<{ latencies: number[] }> };
/** By what was asked: every round's latencies, by store in the order of their sizes. */
type Latencies = Map<string, number[][][]>;

/** Reads and creates where few runs were before, and many: three servers beside each other, asked in turn. */
export const growth: Row = {
  name: 'growth',
  async measure(stage: Stage): Promise<Measure[]> {
    const stores: Grown[] = [];
    for (const runs of stage.quick ? QUICK_SIZES : SIZES) stores.push(await grow(stage, runs));
    const { sets, reads, creates } = stage.quick ? QUICKLY : FULL;
    const latencies: Latencies = new Map();
    for (let set = 0; set < sets; set++) {
      await withServers(stage, stores, async (all) => {
        await inTurn(all, readsOf(stage), reads, latencies);
        await inTurn(all, [createOf(stage)], creates, latencies);
      });
    }
    const filled = stores.map(({ store }) => store);
    return [
      ...[...latencies].flatMap(([what, of]) => compared(what, of, filled)),
      ...(await withServers(stage, stores, (all) => slowest(stage, all))),
      ...filling(filled),
    ];
  },
};

/** A store that has come to hold so many runs. */
async function grow(stage: Stage, runs: number): Promise<Grown> {
  const server = await stage.start();
  const threadId = await createFirstThread(server).finally(() => server.stop());
  const store = await fill(server.store, threadId, runs);
  console.error(`bench: a store of ${runs} runs after ${Math.round(store.seconds)} s`);
  return { store, at: server.store };
}

/** Servers on all stores for as long as `use` takes. */
async function withServers<T>(stage: Stage, stores: Grown[], use: (all: Served[]) => Promise<T>): Promise<T> {
  const all: Served[] = [];
  try {
    for (const { store, at } of stores) {
      const server = await stage.start({ store: at });
      const { url, key } = server;
      const { run_id: waiting } = await stage.load.ask('asking', { url, key, input: '/ask ready?' });
      all.push({ server, store, waiting });
    }
    return await use(all);
  } finally {
    for (const { server } of all) await server.stop();
  }
}

const readsOf = ({ load }: Stage): Asked[] =>
  READS.map(({ what, path }) => ({
    what,
    ask({ server: { url, key }, store, waiting }, count) {
      const paths = Array.from({ length: count }, () => path(store, waiting));
      return load.ask('requests', { url, key, paths, withinMs: WITHIN_MS });
    },
  }));

const createOf = ({ load }: Stage): Asked => ({
  what: 'create',
  ask: ({ server: { url, key } }, count) => load.ask('creates', { url, key, count, body: ONE_TURN }),
});

/** Adds rounds in which every store is asked the same, the same number of times. */
async function inTurn(all: Served[], asked: Asked[], { rounds, count }: Rounds, to: Latencies): Promise<void> {
  for (let round = 0; round < WARM_UPS + rounds; round++) {
    for (const { what, ask } of asked) {
      const byStore: number[][] = [];
      for (const of of all) byStore.push((await ask(of, count)).latencies);
      if (round >= WARM_UPS) to.set(what, [...(to.get(what) ?? []), byStore]);
    }
  }
}

/** Every larger store beside the smallest: the medians of rounds, and of the largest the tail of all. */
function compared(what: string, rounds: number[][][], stores: Filled[]): Measure[] {
  const ofStore = (i: number) => rounds.map((byStore) => byStore[i] ?? []);
  const p50 = (i: number) => medianOfRounds(ofStore(i));
  const p95 = (i: number) => percentile(ofStore(i).flat(), 0.95);
  const named = (share: string, i: number) => ({ what: `${what} ${share}, ${stores[i]?.runs} runs`, unit: 'ms' });
  const larger = stores.keys().drop(1).toArray();
  const largest = stores.length - 1;
  return [
    ...larger.map((i) => ({ ...named('p50', i), holdfast: p50(i), against: p50(0), goal: FLAT, guard: GUARD })),
    { ...named('p95', largest), holdfast: p95(largest), against: p95(0) },
  ];
}

/** What the servers do by themselves every so often holds up a read that comes then: to be seen, too rare for a goal. */
async function slowest(stage: Stage, all: Served[]): Promise<Measure[]> {
  const slowest: number[] = [];
  for (const { server, store } of all) {
    const path = `/v1/runs/${store.runIdAt(0)}`;
    const watch = { url: server.url, key: server.key, path, everyMs: WATCH_EVERY_MS, seconds: WATCH_S };
    const { latencies } = await stage.load.ask('watch', watch);
    slowest.push(percentile(latencies, 1));
  }
  const [against = Number.NaN, ...larger] = slowest;
  return larger.map((holdfast, i) => ({
    ...{ what: `slowest details in ${WATCH_S} s, ${all[i + 1]?.store.runs} runs`, unit: 'ms', holdfast, against },
  }));
}

const filling = (stores: Filled[]): Measure[] =>
  stores.map(({ runs, events, seconds }) => ({
    ...{ what: `filling a store of ${runs} runs and ${events} events`, unit: 's', holdfast: seconds },
  }));
