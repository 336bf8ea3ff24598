/** The thread whose ten runs every other thread of a grown store is a copy of: real runs, about ten events each. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Holdfast } from '../forms/form.ts';
import { send } from '../load/stream-run.ts';
import { RUNS_A_THREAD } from './slots.ts';

const LOOK_EVERY_MS = 20;
const LIMIT_MS = 60_000;

/** Apart in time, so that chunks are events of their own. */
const WORDS = { persona_id: 'plain', input: '/stream chunks=5 delay_ms=50' };
const CALLS = { persona_id: 'tools', input: '/tool echo/say {"text":"hello"}\n/stream chunks=3 delay_ms=50' };
const ASKS = { persona_id: 'plain', input: '/ask ready?' };
const FAILS = { persona_id: 'plain', input: '/fail status=400' };

const RUNS = [WORDS, CALLS, WORDS, WORDS, ASKS, WORDS, CALLS, WORDS, FAILS, WORDS];

type Run = { run_id: string; thread_id: string; status: string };

/** Creates it and waits for the end of every run; gives the thread's id. */
export async function createFirstThread(target: Holdfast): Promise<string> {
  if (RUNS.length !== RUNS_A_THREAD) throw new Error(`a thread has ${RUNS_A_THREAD} runs`);
  let threadId: string | undefined;
  for (const body of RUNS) {
    const path = threadId === undefined ? '/v1/runs' : `/v1/threads/${threadId}/runs`;
    const { run_id } = JSON.parse(await send(target, 'POST', path, body)) as Run;
    if (body === ASKS) {
      await untilStatus(target, run_id, 'waiting_for_input');
      await send(target, 'POST', `/v1/runs/${run_id}/input`, { content: 'yes' });
    }
    const { thread_id } = await untilStatus(target, run_id, body === FAILS ? 'failed' : 'completed');
    threadId = thread_id;
  }
  return threadId as string;
}

async function untilStatus(target: Holdfast, runId: string, status: string): Promise<Run> {
  const until = performance.now() + LIMIT_MS;
  for (;;) {
    const run = JSON.parse(await send(target, 'GET', `/v1/runs/${runId}`)) as Run;
    if (run.status === status) return run;
    if (performance.now() > until) throw new Error(`${runId} is ${run.status}, not ${status}`);
    await delay(LOOK_EVERY_MS);
  }
}
