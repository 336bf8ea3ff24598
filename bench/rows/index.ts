/** The rows in the order in which they are measured: `start` first, while nothing else of ours runs; what leaves much behind last. */
import type { Row } from '../measure.ts';
import { cancel } from './cancel.ts';
import { delta } from './delta.ts';
import { fanOut } from './fan-out.ts';
import { growth } from './growth.ts';

import { history } from './history.ts';
import { hold } from './hold.ts';
import { parked } from './parked.ts';
import { runLatency } from './run-latency.ts';
import { runRate } from './run-rate.ts';
import { soak } from './soak.ts';
import { start } from './start.ts';
import { toolRate } from './tool-rate.ts';

export const rows: readonly Row[] = [
  ...[start, runLatency, runRate, toolRate, delta],
  ...[fanOut, hold],
  ...[history, cancel, growth, soak, parked],
];
