import { setTimeout as delay } from 'node:timers/promises';
import { heldBack } from '../../src/held-back.ts';
import { atATime } from './at-a-time.ts';
import type { Jobs } from './jobs.ts';
import { send, streamRun } from './stream-run.ts';

const SILENT = '/think ms=600000';

export const runs: Jobs['runs'] = ({ count, concurrency, body, ...target }) =>
  atATime(count, concurrency, () => streamRun(target, body));

export const cancels: Jobs['cancels'] = ({ count, concurrency, ...target }) =>
  atATime(count, concurrency, async (begin) => {
    let cancelled: Promise<unknown> | undefined;
    const cancel = (runId: string) => {
      begin();
      cancelled = heldBack(send(target, 'POST', `/v1/runs/${runId}:cancel`));
    };
    const onFrame = (frame: string, runId: string) => void (frame.includes('event: turn.started') && cancel(runId));
    const runId = await streamRun(target, { input: SILENT }, onFrame, 'run.cancelled');
    await cancelled;
    return runId;
  });

export const steady: Jobs['steady'] = async ({ perSecond, seconds, body, ...target }) => {
  const latencies: number[] = [];
  const begun: number[] = [];
  const started = performance.now();
  const ids: string[] = [];
  const one = async (i: number): Promise<void> => {
    const from = performance.now();
    ids.push(await streamRun(target, body));
    latencies[i] = performance.now() - from;
    begun[i] = from - started;
  };
  const all: Promise<void>[] = [];
  for (let i = 0; i < perSecond * seconds; i++) {
    const left = started + (i * 1_000) / perSecond - performance.now();
    if (left > 0) await delay(left);
    all.push(heldBack(one(i)));
  }
  await Promise.all(all);
  return { latencies, begun, elapsed: performance.now() - started, ids };
};
