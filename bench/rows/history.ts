import { Client, Connection } from '@temporalio/client';
import type { Timed } from '../load/jobs.ts';
import type { Measure, Row } from '../measure.ts';
import type { Stage } from '../stage.ts';
import { costOf } from './cost.ts';
import { both, ONE, ONE_TURN, THREE, THREE_BRIEF } from './steps.ts';
import { historyOf, mean } from './temporal-history.ts';

const TOOL = '/tool echo/say {"text":"hello"}';
const TURNS = 10;
const CALLS = 4;
/** Runs of which the mean is taken where chance has a part. */
const SEVERAL = 20;
const tools = (lines: string[]) => ({ persona_id: 'tools', input: lines.join('\n') });

/** What a run costs Temporal: events, bytes and visibility writes of its history by turns, and CPU, beside a bare workflow. */
export const history: Row = {
  name: 'history',
  async measure(stage: Stage): Promise<Measure[]> {
    const { url, key, temporalAddress } = await stage.server();
    const { address, taskQueue } = await stage.bare();
    const one = await both(stage, ONE);
    const connection = await Connection.connect({ address: temporalAddress });
    try {
      const client = new Client({ connection });
      const meanOf = async (timed: Promise<Timed>) =>
        mean(await Promise.all((await timed).ids.map((id) => historyOf(client, id))));
      const run = (body: object, count = 1) =>
        meanOf(stage.load.ask('runs', { url, key, count, concurrency: 1, body }));
      const bareOf = (parallel: number) => {
        const amount = { count: SEVERAL, concurrency: 1, activities: 2, parallel };
        return meanOf(stage.load.ask('bare', { address, taskQueue, ...amount }));
      };
      const bare = await meanOf(one.bare(1, 1));
      const single = await run(ONE_TURN);
      // Every turn but the last calls the tool once: two steps each.
      const many = await run(tools(Array<string>(TURNS - 1).fill(TOOL)));
      const parallel = await run(tools(['/parallel', ...Array<string>(CALLS).fill(TOOL)]), SEVERAL);
      const plain = await run(tools([TOOL]), SEVERAL);
      const bareCalls = (await bareOf(CALLS)).events - (await bareOf(1)).events;
      const steps = 2 * (TURNS - 1);
      return [
        { what: 'events, one turn', unit: '', holdfast: single.events, against: bare.events, goal: 1, guard: 1 },
        { what: 'bytes, one turn', unit: 'B', holdfast: single.bytes, against: bare.bytes, guard: 1.6 },
        {
          ...{ what: 'visibility writes, one turn', unit: '', goal: 1, guard: 1 },
          ...{ holdfast: single.visibilityWrites, against: bare.visibilityWrites },
        },
        {
          ...{ what: `events a further step, ${TURNS} turns`, unit: '', goal: 6, guard: 6 },
          holdfast: (many.events - single.events) / steps,
        },
        {
          // Three, and three more for each time that one's end meets no workflow task that has not begun.
          ...{ what: `events a further parallel call, mean of ${SEVERAL} runs with ${CALLS}`, unit: '', goal: 1 },
          ...{ holdfast: (parallel.events - plain.events) / (CALLS - 1), against: bareCalls / (CALLS - 1) },
        },
        {
          ...{ what: `bytes a further step, ${TURNS} turns`, unit: 'B', goal: 3_072, guard: 3_072 },
          holdfast: (many.bytes - single.bytes) / steps,
        },
        { what: `visibility writes, ${TURNS} turns`, unit: '', holdfast: many.visibilityWrites },
        ...(stage.quick ? [] : await costs(stage)),
      ];
    } finally {
      await connection.close();
    }
  },
};

async function costs(stage: Stage): Promise<Measure[]> {
  const pairs = [
    [ONE, 'one turn'],
    [THREE, 'three steps'],
    [THREE_BRIEF, 'three steps, a brief tool'],
  ] as const;
  const measures: Measure[] = [];
  for (const [pair, what] of pairs) measures.push(...(await costOf(stage, await both(stage, pair), what)));
  return measures;
}
