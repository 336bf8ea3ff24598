/** Runs that wait for a person, and their answers. */
import { atATime } from './at-a-time.ts';
import type { Jobs } from './jobs.ts';
import { picked } from './picked.ts';
import { followRun, send, streamRun, type Target } from './stream-run.ts';

type Waiting = { run_id: string; request_id: string; seq: number };

const waiting: Waiting[] = [];

export const park: Jobs['park'] = ({ count, concurrency, input, ...target }) =>
  atATime(count, concurrency, async () => {
    const run = await untilWaiting(target, input);
    waiting.push(run);
    return run.run_id;
  });

export const answer: Jobs['answer'] = ({ count, ...target }) => {
  const chosen = picked(waiting, count);
  return atATime(count, 1, async (begin, i) => {
    const { run_id, request_id, seq } = chosen[i] as Waiting;
    const { ended } = await followRun(target, run_id, seq);
    begin();
    await send(target, 'POST', `/v1/runs/${run_id}/input`, { request_id, content: 'yes' });
    return await ended;
  });
};

export const asking: Jobs['asking'] = ({ input, ...target }) => untilWaiting(target, input);

/** Creates a run and reads it until it asks. */
async function untilWaiting(target: Target, input: string): Promise<Waiting> {
  let waiting: Waiting | undefined;
  await streamRun(target, { input }, (frame, run_id, enough) => {
    if (!frame.includes('event: run.waiting_for_input')) return;
    const { seq, data } = JSON.parse(frame.slice(frame.indexOf('data: ') + 6));
    waiting = { run_id, request_id: data.request_id, seq };
    enough();
  });
  if (!waiting) throw new Error('a run did not ask');
  return waiting;
}
