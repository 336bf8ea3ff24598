import type { Measure, Row } from '../measure.ts';
import type { Stage } from '../stage.ts';
import { both, inTurn, rateOf, THREE } from './steps.ts';

const CONCURRENCY = 20;

/** Runs of three steps (model, tool of an MCP server, model) a second, beside bare workflows of three activities. */
export const toolRate: Row = {
  name: 'tool-rate',
  async measure(stage: Stage): Promise<Measure[]> {
    const rounds = await inTurn(await both(stage, THREE), {
      ...{ rounds: stage.quick ? 3 : 10, count: 80, concurrency: CONCURRENCY },
    });
    return [
      {
        ...{ what: `runs of 3 steps at ${CONCURRENCY} at a time`, unit: '/s' },
        ...{ holdfast: rateOf(rounds.holdfast), against: rateOf(rounds.bare) },
        ...{ goal: 0.9, guard: 0.55 },
      },
    ];
  },
};
