import type { Measure, Row } from '../measure.ts';
import type { Stage } from '../stage.ts';
import { both, inTurn, type Pair, rateOf, THREE, THREE_BRIEF } from './steps.ts';

const CONCURRENCY = 20;

/** Runs of three steps (model, tool of an MCP server, model) a second, beside bare workflows of three activities. */
export const toolRate: Row = {
  name: 'tool-rate',
  measure: async (stage: Stage): Promise<Measure[]> => [
    { ...(await rate(stage, 'runs of 3 steps', THREE)), goal: 0.9, guard: 0.55 },
    ...(stage.quick ? [] : [await rate(stage, 'the same with a brief tool', THREE_BRIEF)]),
  ],
};

async function rate(stage: Stage, what: string, pair: Pair): Promise<Measure> {
  const amount = { rounds: stage.quick ? 3 : 6, count: 80, concurrency: CONCURRENCY };
  const { holdfast, bare } = await inTurn(await both(stage, pair), amount);
  return {
    ...{ what: `${what} at ${CONCURRENCY} at a time`, unit: '/s' },
    ...{ holdfast: rateOf(holdfast), against: rateOf(bare) },
  };
}
