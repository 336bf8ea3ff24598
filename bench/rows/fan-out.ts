import { once } from 'node:events';
import { end, forkModule } from '../child.ts';
import type { Holdfast } from '../forms/form.ts';
import type { FanOut } from '../load/jobs.ts';
import { LoadProcess } from '../load-process.ts';
import { geometricMean, type Measure, type Row } from '../measure.ts';
import type { Stage } from '../stage.ts';

/**
 * How fast a process came to be compiled differs by a third from the next one's, and stays: of Holdfast, of Hono and of the readers. So
 * many times new ones, each for all shapes.
 */
const TURNS = 12;
/**
 * Readers, and chunks for each: as many as keep the faster of the two busy for some tenths of a second. Holdfast's are read so many
 * times for each time that Hono's are: where they take a tenth of the time, one reading is too short to say much. Warm-ups are rounds
 * that are not counted, so that the code is compiled: it is when 1,000 come, whose round takes the longest. The fewer readers, the more a
 * round differs from the next.
 */
const SHAPES = [
  { readers: 1, chunks: 60_000, times: 1, warmUps: 1, rounds: 4 },
  { readers: 200, chunks: 1_000, times: 4, warmUps: 1, rounds: 2 },
  { readers: 1_000, chunks: 500, times: 4, warmUps: 0, rounds: 1 },
];
/** With `--quick`: this part of the chunks (of less, most is read before the code is compiled), to no more readers than these. */
const QUICK = { turns: 1, part: 1 / 2, mostReaders: 200 };
/** What the demo model says of the answer after its stream: `Done. ask_user said "yes"`. */
const CLOSING_CHUNKS = 4;
const GOAL = 0.8;
const GUARD = 0.4;

type Shape = (typeof SHAPES)[number];

/** Milliseconds that all readings of a round took. */
type Round = { ours: number; theirs: number };

/** What is read: a run that goes on while it is read, or one that has ended. Each gives the milliseconds of a reading. */
type Way = { what: string; ours: () => Promise<number>; theirs: () => Promise<number> };

/** What is beside each other in a turn. */
type Beside = { load: LoadProcess; holdfast: Holdfast; honoUrl: string };

/** Chunks that readers of one run get a second, of one that speaks as fast as it can and of one in the journal, beside `hono/streaming`. */
export const fanOut: Row = {
  name: 'fan-out',
  async measure(stage: Stage): Promise<Measure[]> {
    const turns = stage.quick ? QUICK.turns : TURNS;
    const measures = new Map<string, { shape: Shape; rounds: Round[] }>();
    for (let turn = 0; turn < turns; turn++) {
      await withNewProcesses(stage, async (beside) => {
        for (const shape of stage.quick ? quickly(SHAPES) : SHAPES) {
          for (const way of await waysOf(beside, shape)) {
            const what = named(way, shape);
            const before = measures.get(what)?.rounds ?? [];
            measures.set(what, { shape, rounds: [...before, ...(await read(way, shape))] });
          }
        }
      });
    }
    return [...measures].map(([what, { shape, rounds }]) => measureOf(what, shape, rounds));
  },
};

const quickly = (shapes: Shape[]): Shape[] =>
  shapes
    .filter(({ readers }) => readers <= QUICK.mostReaders)
    .map((shape) => ({ ...shape, chunks: Math.round(shape.chunks * QUICK.part) }));

/** A server of Holdfast's, one of Hono's and a load process, which have done nothing before, for as long as `use` takes. */
async function withNewProcesses(stage: Stage, use: (beside: Beside) => Promise<void>): Promise<void> {
  const load = new LoadProcess();
  const hono = forkModule('./hono/server.ts');
  let holdfast: Holdfast | undefined;
  try {
    const [honoUrl] = (await once(hono, 'message')) as [string];
    holdfast = await stage.start();
    await use({ load, holdfast, honoUrl });
  } finally {
    await holdfast?.stop();
    await end(hono, () => hono.disconnect());
    await load.stop();
  }
}

async function waysOf(
  { load, holdfast, honoUrl }: Beside,
  { readers, chunks, times, warmUps, rounds }: Shape,
): Promise<Way[]> {
  const { url, key } = holdfast;
  const stream = `/stream chunks=${chunks} delay_ms=0`;
  // A run for each reading: one that was read lately is in memory.
  const stored = { count: (warmUps + rounds) * times, concurrency: 1, body: { input: stream } };
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

/** The rounds after the warm-ups. */
async function read({ ours, theirs }: Way, { times, warmUps, rounds }: Shape): Promise<Round[]> {
  const all: Round[] = [];
  for (let i = 0; i < warmUps + rounds; i++) {
    const round = { ours: 0, theirs: 0 };
    for (let time = 0; time < times; time++) round.ours += await ours();
    round.theirs += await theirs();
    all.push(round);
  }
  return all.slice(warmUps);
}

const named = ({ what }: Way, { readers }: Shape): string =>
  `chunks of a run ${what}, ${readers} reader${readers > 1 ? 's' : ''}, against hono/streaming`;

function measureOf(what: string, { readers, chunks, times }: Shape, rounds: Round[]): Measure {
  const rate = (readings: number, ms: number) => (readings * readers * chunks * 1_000) / ms;
  return {
    ...{ what, unit: '/s' },
    holdfast: geometricMean(rounds.map(({ ours }) => rate(times, ours))),
    against: geometricMean(rounds.map(({ theirs }) => rate(1, theirs))),
    // What a single reader gets is what one run can say, or one reader read, in a second: it has a goal, and varies too much for a guard.
    ...{ goal: GOAL, ...(readers > 1 ? { guard: GUARD } : {}) },
  };
}
