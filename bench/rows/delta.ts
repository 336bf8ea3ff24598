import type { HoldfastServer } from '../holdfast-server.ts';
import { type Measure, percentile, type Row } from '../measure.ts';
import type { Stage } from '../stage.ts';

const RUNS = 20;
const EVERY_MS = 20;
const SLOW_COMMIT_MS = 3;
const WARM_UP_CHUNKS = 50;

/** A chunk's way from the provider's socket to a reader's, through a commit: twenty runs at fifty chunks a second. */
export const delta: Row = {
  name: 'delta',
  async measure(stage: Stage): Promise<Measure[]> {
    const usual = await measureOn(stage, await stage.server(), '');
    const slow = await stage.start({ commitDelayMs: SLOW_COMMIT_MS });
    try {
      return [...usual, ...(await measureOn(stage, slow, `, commit + ${SLOW_COMMIT_MS} ms`))];
    } finally {
      await slow.stop();
    }
  },
};

async function measureOn(stage: Stage, { url, key }: HoldfastServer, how: string): Promise<Measure[]> {
  const stream = (chunks: number) => stage.load.ask('deltas', { url, key, runs: RUNS, chunks, everyMs: EVERY_MS });
  await stream(WARM_UP_CHUNKS);
  const { delays } = await stream(stage.quick ? 250 : 1_500);
  return [0.5, 0.99].map((share) => ({
    what: `chunk → reader p${share * 100}${how}`,
    unit: 'ms',
    holdfast: percentile(delays, share),
  }));
}
