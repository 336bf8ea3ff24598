import { once } from 'node:events';
import { end, forkModule } from '../child.ts';
import type { FanOut } from '../load/jobs.ts';
import type { Measure, Row } from '../measure.ts';
import type { Stage } from '../stage.ts';

/**
 * Readers, and chunks for each: as many as keep the faster of the two busy for some tenths of a second. Holdfast's are read so many
 * times for each time that Hono's are: where they take a tenth of the time, one reading is too short to say much.
 */
const SHAPES = [
  { readers: 1, chunks: 60_000, times: 1, rounds: 5 },
  { readers: 200, chunks: 2_000, times: 4, rounds: 2 },
  { readers: 1_000, chunks: 500, times: 4, rounds: 3 },
];
/**
 * How fast a process of Hono's came to be compiled differs by half from the next one's, and stays: so many of them in turn, each beside
 * a shape's rounds.
 */
const FULL = { servers: 4, part: 1, mostReaders: 1_000 };
/** With `--quick`: this part of the chunks, to no more readers than these. */
const QUICK = { servers: 1, part: 1 / 6, mostReaders: 200 };
/** Rounds with each server that are not counted, so that its code is compiled: ten thousand chunks and more. */
const WARM_UPS = 1;
/** What the demo model says of the answer after its stream: `Done. ask_user said "yes"`. */
const CLOSING_CHUNKS = 4;
const GOAL = 0.8;
const GUARD = 0.4;

type Shape = { readers: number; chunks: number; times: number; servers: number; rounds: number };

/** Milliseconds of several rounds. */
type Elapsed = { ours: number; theirs: number };

/** What is read: a run that goes on while it is read, or one that has ended. Each gives the milliseconds of a round. */
type Way = { what: string; ours: () => Promise<number>; theirs: () => Promise<number> };

/** Chunks that readers of one run get a second, of one that speaks as fast as it can and of one in the journal, beside `hono/streaming`. */
export const fanOut: Row = {
  name: 'fan-out',
  async measure(stage: Stage): Promise<Measure[]> {
    const measures: Measure[] = [];
    const { servers, part, mostReaders } = stage.quick ? QUICK : FULL;
    for (const shape of SHAPES.filter((it) => it.readers <= mostReaders)) {
      const chunks = Math.round(shape.chunks * part);
      measures.push(...(await measureShape(stage, { ...shape, chunks, servers })));
    }
    return measures;
  },
};

/** What Holdfast and Hono took each way, in all rounds with all servers. */
async function measureShape(stage: Stage, shape: Shape): Promise<Measure[]> {
  const elapsedMs = new Map<string, Elapsed>();
  for (let i = 0; i < shape.servers; i++) {
    for (const way of await waysBesideNewServer(stage, shape)) {
      const before = elapsedMs.get(way.what) ?? { ours: 0, theirs: 0 };
      elapsedMs.set(way.what, { ours: before.ours + way.ours, theirs: before.theirs + way.theirs });
    }
  }
  return [...elapsedMs].map(([what, elapsed]) => measureOf(what, elapsed, shape));
}

/** With a server of Hono's own: what one has done before shows in its rates. */
async function waysBesideNewServer(stage: Stage, shape: Shape): Promise<(Elapsed & { what: string })[]> {
  const server = forkModule('./hono/server.ts');
  try {
    const [honoUrl] = (await once(server, 'message')) as [string];
    const taken: (Elapsed & { what: string })[] = [];
    for (const way of await waysOf(stage, honoUrl, shape))
      taken.push({ what: way.what, ...(await inTurn(way, shape)) });
    return taken;
  } finally {
    await end(server, () => server.disconnect());
  }
}

async function waysOf(stage: Stage, honoUrl: string, { readers, chunks, times, rounds }: Shape): Promise<Way[]> {
  const { url, key } = await stage.server();
  const stream = `/stream chunks=${chunks} delay_ms=0`;
  // A run for each reading: one that was read lately is in memory.
  const stored = { count: rounds * times + WARM_UPS, concurrency: 1, body: { input: stream } };
  const { ids: unread } = await stage.load.ask('runs', { url, key, ...stored });
  const timed = async (how: Omit<FanOut, 'readers' | 'chunks'> & { url: string }) =>
    (await stage.load.ask('fanOut', { key, readers, chunks, ...how })).elapsed;
  return [
    {
      what: 'as it speaks',
      async ours() {
        const { run_id, request_id } = await stage.load.ask('asking', { url, key, input: `/ask ready?\n${stream}` });
        const start = { path: `/v1/runs/${run_id}/input`, body: { request_id, content: 'yes' } };
        return await timed({ url, path: `/v1/runs/${run_id}/events`, start, closing: CLOSING_CHUNKS });
      },
      theirs: () => timed({ url: honoUrl, path: `/events?wait&chunks=${chunks}`, start: { path: '/start', body: {} } }),
    },
    {
      what: 'from the journal',
      ours: () => timed({ url, path: `/v1/runs/${unread.shift()}/events` }),
      theirs: () => timed({ url: honoUrl, path: `/events?chunks=${chunks}` }),
    },
  ];
}

async function inTurn({ ours, theirs }: Way, { rounds, times }: Shape): Promise<Elapsed> {
  for (let round = 0; round < WARM_UPS; round++) {
    await ours();
    await theirs();
  }
  const elapsedMs = { ours: 0, theirs: 0 };
  for (let round = 0; round < rounds; round++) {
    for (let time = 0; time < times; time++) elapsedMs.ours += await ours();
    elapsedMs.theirs += await theirs();
  }
  return elapsedMs;
}

function measureOf(what: string, elapsedMs: Elapsed, { readers, chunks, times, servers, rounds }: Shape): Measure {
  const rate = (readings: number, ms: number) => (readings * readers * chunks * 1_000) / ms;
  return {
    ...{
      what: `chunks of a run ${what}, ${readers} reader${readers > 1 ? 's' : ''}, against hono/streaming`,
      unit: '/s',
    },
    ...{ holdfast: rate(servers * rounds * times, elapsedMs.ours), against: rate(servers * rounds, elapsedMs.theirs) },
    // What a single reader gets is what one run can say, or one reader read, in a second: it has a goal, and varies too much for a guard.
    ...{ goal: GOAL, ...(readers > 1 ? { guard: GUARD } : {}) },
  };
}
