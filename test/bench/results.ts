/** Results files as rows write them. */
import type { Measured, Result } from '../../bench/report.ts';

export const resultOf = (measured: Measured[]): Result => ({
  ...{ date: '2026-11-26T13:46:51.642Z', quick: false, node: 'v26.10.0', holdfast: 'b231020' },
  ...{ cpu: 'AMD EPYC', cores: 2, memory_gib: 24, load_before: 0.2 },
  ...{ temporal: { embedded: '1.32.0', apart: '1.31.2' }, took: {}, measured },
});

export const measure = (row: string, what: string, unit: string, rest: Partial<Measured> = {}): Measured => ({
  ...{ form: 'embedded' as const, row, what, unit, holdfast: 100 },
  ...rest,
});

/** A rate at one concurrency: Holdfast's and that of bare workflows. */
export const rate = (form: Measured['form'], concurrency: number, ours: number, theirs: number): Measured =>
  measure('run-rate', `runs at ${concurrency} at a time`, '/s', {
    ...{ form, holdfast: ours, against: theirs, goal: 0.9, at: concurrency },
  });

/** A distribution of delays that ends at ten times its median. */
export const delays = (form: Measured['form'], how: string, median: number): Measured =>
  measure('delta', `chunk → reader p50${how}`, 'ms', {
    ...{ form, holdfast: median },
    curve: [
      [0.01, 0],
      [0.5, median],
      [0.9, median * 2],
      [0.99, median * 5],
      [0.999, median * 8],
      [1, median * 10],
    ],
  });
