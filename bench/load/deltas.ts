import { setTimeout as delay } from 'node:timers/promises';
import type { Jobs } from './jobs.ts';
import { now } from './provider.ts';
import { streamRun } from './stream-run.ts';

/** A run counts as active from this many chunks on: the first ones come while its neighbours are still being started. */
const WARM_UP_CHUNKS = 10;

export const deltas: Jobs['deltas'] = async ({ runs, chunks, everyMs, ...target }) => {
  const delays: number[] = [];
  let active = 0;
  const one = async (index: number): Promise<void> => {
    // Spread over one interval, so that the streams do not tick together.
    await delay((index * everyMs) / runs);
    let seen = 0;
    await streamRun(target, { route_id: 'wire', input: `${chunks} ${everyMs}` }, (frame) => {
      if (!frame.includes('event: message.delta')) return;
      const arrived = now();
      // What is measured is the time in which all of them are active.
      if (active === runs) {
        const { data } = JSON.parse(frame.slice(frame.indexOf('data: ') + 6)) as { data: { content: string } };
        delays.push(arrived - Number(data.content));
      }
      seen++;
      if (seen === WARM_UP_CHUNKS) active++;
      if (seen === chunks) active--;
    });
    if (seen !== chunks) throw new Error(`${seen} of ${chunks} chunks arrived`);
  };
  await Promise.all(Array.from({ length: runs }, (_, index) => one(index)));
  if (delays.length === 0) throw new Error(`${runs} runs of ${chunks} chunks were never active together`);
  return { delays };
};
