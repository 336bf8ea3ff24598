import type { Holdfast } from '../forms/form.ts';
import { type Measure, median, type Row } from '../measure.ts';
import type { Stage } from '../stage.ts';
import { ONE_TURN } from './steps.ts';

const GOAL_MS = 3_000;

/**
 * From spawn to ready, on an empty store and again on the same one, and the first run. Temporal's binary, and what a start keeps, is there
 * already.
 */
export const start: Row = {
  name: 'start',
  async measure(stage: Stage): Promise<Measure[]> {
    const fresh: number[] = [];
    const again: number[] = [];
    const first: number[] = [];
    const firstRun = async ({ url, key }: Holdfast) => {
      const { elapsed } = await stage.load.ask('runs', { url, key, count: 1, concurrency: 1, body: ONE_TURN });
      first.push(elapsed);
    };
    for (let round = 0; round < (stage.quick ? 2 : 5); round++) {
      const server = await stage.start();
      fresh.push(server.startMs);
      await firstRun(server);
      await server.stop();
      const same = await stage.start({ store: server.store });
      again.push(same.startMs);
      await same.stop();
    }
    return [
      { what: 'spawn → ready, empty store', unit: 'ms', holdfast: median(fresh), goal: GOAL_MS },
      { what: 'spawn → ready, used store', unit: 'ms', holdfast: median(again), goal: GOAL_MS },
      { what: 'first run after it', unit: 'ms', holdfast: median(first) },
    ];
  },
};
