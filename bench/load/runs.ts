import { atATime } from './at-a-time.ts';
import type { Jobs } from './jobs.ts';
import { streamRun } from './stream-run.ts';

const ONE_CHUNK = { route_id: 'demo', input: '/stream chunks=1 delay_ms=0' };

export const runs: Jobs['runs'] = ({ url, key, count, concurrency }) =>
  atATime(count, concurrency, () => streamRun({ url, key }, ONE_CHUNK, () => undefined));
