/** The rows in the order in which they are measured: `start` first, while nothing else of ours runs. */
import type { Row } from '../measure.ts';
import { delta } from './delta.ts';
import { history } from './history.ts';
import { runLatency } from './run-latency.ts';
import { runRate } from './run-rate.ts';
import { start } from './start.ts';

export const rows: readonly Row[] = [start, runLatency, runRate, delta, history];
