import type { Jobs } from './jobs.ts';
import { now } from './provider.ts';
import { streamRun } from './stream-run.ts';

export const deltas: Jobs['deltas'] = async ({ runs, chunks, uncounted, everyMs, ...target }) => {
  const delays: number[] = [];
  const input = `${chunks} ${everyMs} ${runs}`;
  const one = async (): Promise<void> => {
    let seen = 0;
    await streamRun(target, { route_id: 'wire', input }, (frame) => {
      if (!frame.includes('event: message.delta')) return;
      const arrived = now();
      const { data } = JSON.parse(frame.slice(frame.indexOf('data: ') + 6)) as { data: { content: string } };
      if (++seen > uncounted) delays.push(arrived - Number(data.content));
    });
    if (seen !== chunks) throw new Error(`${seen} of ${chunks} chunks arrived`);
  };
  await Promise.all(Array.from({ length: runs }, one));
  return { delays };
};
