import type { Context } from 'hono';
import type { CursorPage } from '../../runs/dialect-types.ts';
import type { PageOf } from '../../runs/types.ts';
import type { ApiEnv } from '../env.ts';
import { listOf } from './lists.ts';
import { type RunFacts, type RunState, runObject } from './views/run.ts';

/** How a dialect that shares these endpoints writes its runs. */
export type RunStyle = {
  /** Seconds that a run may take; absent: as long as it needs. */
  expiresAfterS?: number;
  show: ShowRun;
  /** A page of a thread's runs. */
  list: (c: Context<ApiEnv>, runs: PageOf<{ id: string }>, asked: CursorPage) => object;
};

export type ShowRun = (facts: RunFacts, state: RunState) => { id: string };

export const openAiRuns = (expiresAfterS: number): RunStyle => ({
  expiresAfterS,
  show: runObject,
  list: (_c, runs) => listOf(runs),
});
