import { once } from 'node:events';
import { end, forkModule } from '../child.ts';
import type { Holdfast } from '../forms/form.ts';
import type { FanOut } from '../load/jobs.ts';
import { LoadProcess } from '../load-process.ts';
import type { Measure, Row } from '../measure.ts';
import type { Stage } from '../stage.ts';

/**
 * Readers, and chunks for each: as many as keep the faster of the two busy for some tenths of a second. Holdfast's are read so many
 * times for each time that Hono's are: where they take a tenth of the time, one reading is too short to say much.
 */
const SHAPES = [
  { readers: 1, chunks: 60_000, times: 1, rounds: 3 },
  { readers: 200, chunks: 2_000, times: 4, rounds: 1 },
  { readers: 1_000, chunks: 500, times: 4, rounds: 2 },
];
/**
 * How fast a process came to be compiled differs by half from the next one's, and stays: of Holdfast, of Hono and of the readers so many
 * in turn, each beside each other for a shape's rounds.
 */
const FULL = { turns: 6, part: 1, mostReaders: 1_000 };
/** With `--quick`: this part of the chunks, to no more readers than these. */
const QUICK = { turns: 1, part: 1 / 6, mostReaders: 200 };
/** Rounds of each turn that are not counted, so that its code is compiled: ten thousand chunks and more. */
const WARM_UPS = 1;
/** What the demo model says of the answer after its stream: `Done. ask_user said "yes"`. */
const CLOSING_CHUNKS = 4;
const GOAL = 0.8;
const GUARD = 0.4;

type Shape = { readers: number; chunks: number; times: number; turns: number; rounds: number };

/** Milliseconds of several rounds. */
type Elapsed = { ours: number; theirs: number };

/** What is read: a run that goes on while it is read, or one that has ended. Each gives the milliseconds of a round. */
type Way = { what: string; ours: () => Promise<number>; theirs: () => Promise<number> };

/** Chunks that readers of one run get a second, of one that speaks as fast as it can and of one in the journal, beside `hono/streaming`. */
export const fanOut: Row = {
  name: 'fan-out',
  async measure(stage: Stage): Promise<Measure[]> {
    const measures: Measure[] = [];
    const { turns, part, mostReaders } = stage.quick ? QUICK : FULL;
    for (const shape of SHAPES.filter((it) => it.readers <= mostReaders)) {
      const chunks = Math.round(shape.chunks * part);
      measures.push(...(await measureShape(stage, { ...shape, chunks, turns })));
    }
    return measures;
  },
};

/** What Holdfast and Hono took each way, in all rounds of all turns. */
async function measureShape(stage: Stage, shape: Shape): Promise<Measure[]> {
  const elapsedMs = new Map<string, Elapsed>();
  for (let turn = 0; turn < shape.turns; turn++) {
    for (const way of await waysOfNewProcesses(stage, shape)) {
      const before = elapsedMs.get(way.what) ?? { ours: 0, theirs: 0 };
      elapsedMs.set(way.what, { ours: before.ours + way.ours, theirs: before.theirs + way.theirs });
    }
  }
  return [...elapsedMs].map(([what, elapsed]) => measureOf(what, elapsed, shape));
}

/** With processes of their own: what one has done before shows in its rates. */
async function waysOfNewProcesses(stage: Stage, shape: Shape): Promise<(Elapsed & { what: string })[]> {
  const load = new LoadProcess();
  const hono = forkModule('./hono/server.ts');
  let holdfast: Holdfast | undefined;
  try {
    const [honoUrl] = (await once(hono, 'message')) as [string];
    holdfast = await stage.start();
    const taken: (Elapsed & { what: string })[] = [];
    for (const way of await waysOf({ load, holdfast, honoUrl }, shape))
      taken.push({ what: way.what, ...(await inTurn(way, shape)) });
    return taken;
  } finally {
    await holdfast?.stop();
    await end(hono, () => hono.disconnect());
    await load.stop();
  }
}

type Beside = { load: LoadProcess; holdfast: Holdfast; honoUrl: string };

async function waysOf({ load, holdfast, honoUrl }: Beside, { readers, chunks, times, rounds }: Shape): Promise<Way[]> {
  const { url, key } = holdfast;
  const stream = `/stream chunks=${chunks} delay_ms=0`;
  // A run for each reading: one that was read lately is in memory.
  const stored = { count: (WARM_UPS + rounds) * times, concurrency: 1, body: { input: stream } };
  const { ids: unread } = await load.ask('runs', { url, key, ...stored });
  const timed = async (how: Omit<FanOut, 'readers' | 'chunks'> & { url: string }) =>
    (await load.ask('fanOut', { key, readers, chunks, ...how })).elapsed;
  return [
    {
      what: 'as it speaks',
      async ours() {
        const { run_id, request_id } = await load.ask('asking', { url, key, input: `/ask ready?\n${stream}` });
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
  const elapsedMs = { ours: 0, theirs: 0 };
  for (let round = 0; round < WARM_UPS + rounds; round++) {
    if (round === WARM_UPS) Object.assign(elapsedMs, { ours: 0, theirs: 0 });
    for (let time = 0; time < times; time++) elapsedMs.ours += await ours();
    elapsedMs.theirs += await theirs();
  }
  return elapsedMs;
}

function measureOf(what: string, elapsedMs: Elapsed, { readers, chunks, times, turns, rounds }: Shape): Measure {
  const rate = (readings: number, ms: number) => (readings * readers * chunks * 1_000) / ms;
  return {
    ...{
      what: `chunks of a run ${what}, ${readers} reader${readers > 1 ? 's' : ''}, against hono/streaming`,
      unit: '/s',
    },
    ...{ holdfast: rate(turns * rounds * times, elapsedMs.ours), against: rate(turns * rounds, elapsedMs.theirs) },
    // What a single reader gets is what one run can say, or one reader read, in a second: it has a goal, and varies too much for a guard.
    ...{ goal: GOAL, ...(readers > 1 ? { guard: GUARD } : {}) },
  };
}
