import { setTimeout as delay } from 'node:timers/promises';
import type { Jobs } from './jobs.ts';
import { followRun, send } from './stream-run.ts';

export const requests: Jobs['requests'] = async ({ paths, withinMs, ...target }) => {
  const latencies: number[] = [];
  const started = performance.now();
  for (const path of paths) {
    const from = performance.now();
    await send(target, 'GET', path);
    latencies.push(performance.now() - from);
    if (performance.now() - started > withinMs) break;
  }
  return { latencies };
};

export const watch: Jobs['watch'] = async ({ path, everyMs, seconds, ...target }) => {
  const latencies: number[] = [];
  const until = performance.now() + seconds * 1_000;
  while (performance.now() < until) {
    const from = performance.now();
    await send(target, 'GET', path);
    latencies.push(performance.now() - from);
    await delay(everyMs);
  }
  return { latencies };
};

export const creates: Jobs['creates'] = async ({ count, body, ...target }) => {
  const latencies: number[] = [];
  for (let i = 0; i < count; i++) {
    const from = performance.now();
    const { run_id } = JSON.parse(await send(target, 'POST', '/v1/runs', body)) as { run_id: string };
    latencies.push(performance.now() - from);
    await (await followRun(target, run_id, 0)).ended;
  }
  return { latencies };
};
