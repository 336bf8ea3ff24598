/** What rows give and how it is shown. */
import type { Stage } from './stage.ts';

export type Measure = {
  what: string;
  unit: string;
  holdfast: number;
  /** The same of the bare workflow, where it has the like. */
  bare?: number;
};

/** A row of the benchmark: a subject that is measured in one go. */
export type Row = { name: string; measure(stage: Stage): Promise<Measure[]> };

/** The value below which `share` (0 to 1) of the values lie: the nearest rank. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export const median = (values: number[]): number => percentile(values, 0.5);

/** How many times as slow, as few or as many as bare: above 1 is worse for Holdfast. Rates (`…/s`) are turned round. */
export function ratio({ holdfast, bare, unit }: Measure): number | undefined {
  if (bare === undefined) return undefined;
  return unit.endsWith('/s') ? bare / holdfast : holdfast / bare;
}
