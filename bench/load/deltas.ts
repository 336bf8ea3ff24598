import { setTimeout as delay } from 'node:timers/promises';
import type { Jobs } from './jobs.ts';
import { now } from './provider.ts';
import { streamRun } from './stream-run.ts';

/** The first chunks of each run are left out: the run is still starting its neighbours. */
const WARM_UP_CHUNKS = 10;

export const deltas: Jobs['deltas'] = async ({ runs, chunks, everyMs, ...target }) => {
  const delays: number[] = [];
  const one = async (index: number): Promise<void> => {
    // Spread over one interval, so that the streams do not tick together.
    await delay((index * everyMs) / runs);
    let seen = 0;
    await streamRun(target, { route_id: 'wire', input: `${chunks} ${everyMs}` }, (frame) => {
      if (!frame.includes('event: message.delta')) return;
      const arrived = now();
      const { data } = JSON.parse(frame.slice(frame.indexOf('data: ') + 6)) as { data: { content: string } };
      if (seen++ >= WARM_UP_CHUNKS) delays.push(arrived - Number(data.content));
    });
    if (seen !== chunks) throw new Error(`${seen} of ${chunks} chunks arrived`);
  };
  await Promise.all(Array.from({ length: runs }, (_, index) => one(index)));
  return { delays };
};
