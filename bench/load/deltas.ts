import { heldBack } from '../../src/held-back.ts';
import { openEventSocket } from './event-socket.ts';
import type { Jobs } from './jobs.ts';
import { now } from './provider.ts';
import { send, type Target } from './stream-run.ts';

/** What a chunk says, in its event: when it was written. The whole message, which comes last, says more than that. */
const SAID = /"content":"([\d.]+) "/g;
const COMPLETED = '\nevent: run.completed\n';

export const deltas: Jobs['deltas'] = async ({ runs, chunks, uncounted, everyMs, ...target }) => {
  const input = `${chunks} ${everyMs} ${runs}`;
  const one = async (): Promise<number[]> => {
    const created = await send(target, 'POST', '/v1/runs', { route_id: 'wire', input });
    const { run_id } = JSON.parse(created) as { run_id: string };
    const delays = await delaysOf(target, `/v1/runs/${run_id}/events`);
    if (delays.length !== chunks) throw new Error(`${delays.length} of ${chunks} chunks of ${run_id} arrived`);
    return delays.slice(uncounted);
  };
  return { delays: (await Promise.all(Array.from({ length: runs }, one))).flat() };
};

/** Reads a run's events to their end, which must be `run.completed`: how long each chunk was on its way. */
async function delaysOf(target: Target, path: string): Promise<number[]> {
  const delays: number[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Nobody waits for it when the connection is refused.
  const ended = heldBack(promise);
  let isCompleted = false;
  let rest = '';
  const socket = await openEventSocket(target, {
    onBytes(bytes) {
      const arrived = now();
      const text = rest + bytes.toString('latin1');
      isCompleted ||= text.includes(COMPLETED);
      // Without the end of an event everything is kept: lastIndexOf gives -1.
      const end = text.lastIndexOf('\n\n') + 1;
      rest = text.slice(end);
      for (const [, said] of text.slice(0, end).matchAll(SAID)) delays.push(arrived - Number(said));
    },
    onEnd: (error) => (error ? reject(error) : resolve()),
  });
  socket.ask(path);
  await ended;
  if (!isCompleted) throw new Error(`${path}: not completed`);
  return delays;
}
