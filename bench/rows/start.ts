import { type Measure, median, type Row } from '../measure.ts';
import type { Stage } from '../stage.ts';

/** From spawn to ready: on an empty data directory, and again on the same one. Temporal's binary is already in the cache. */
export const start: Row = {
  name: 'start',
  async measure(stage: Stage): Promise<Measure[]> {
    const fresh: number[] = [];
    const again: number[] = [];
    for (let round = 0; round < (stage.quick ? 2 : 5); round++) {
      const dataDir = stage.newDataDir();
      for (const times of [fresh, again]) {
        const server = await stage.start({ dataDir });
        times.push(server.startMs);
        await server.stop();
      }
    }
    return [
      { what: 'spawn → ready, empty directory', unit: 'ms', holdfast: median(fresh) },
      { what: 'spawn → ready, used directory', unit: 'ms', holdfast: median(again) },
    ];
  },
};
