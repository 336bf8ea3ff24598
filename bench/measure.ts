/** What rows give. */
import type { Stage } from './stage.ts';

export type Measure = {
  what: string;
  unit: string;
  holdfast: number;
  /** The same of what it is measured against: bare workflows, unless `what` says otherwise. */
  against?: number;
  /** What is wanted: of the ratio where it is measured against something, else of the figure. The most; of rates (`…/s`, `%`) the least. */
  goal?: number;
  /** The same with a wide margin, beyond which the benchmark fails. */
  guard?: number;
  /** What `docs/performance.md` draws: a distribution (share → value). */
  curve?: [number, number][];
  /** Where on its line the measure stands there. */
  at?: number;
};

/** A row of the benchmark: a subject that is measured in one go. */
export type Row = {
  name: string;
  measure(stage: Stage): Promise<Measure[]>;
  /** Too long for `--quick`. */
  slow?: true;
};

/** The value below which `share` (0 to 1) of the values lie: the nearest rank. */
export const percentile = (values: number[], share: number): number =>
  atShare(
    values.toSorted((a, b) => a - b),
    share,
  );

const atShare = (sorted: number[], share: number) =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;

export const median = (values: number[]): number => percentile(values, 0.5);

/**
 * Of rounds that are measured in turn with another's: such means stand to each other as the rounds of a pair do in the mean. What slows
 * both of a pair down, as other processes and a slow moment do, is not in their ratio. NaN of none.
 */
export const geometricMean = (values: number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

/** Of latencies, by round. */
export const medianOfRounds = (rounds: number[][]): number => geometricMean(rounds.map(median));

/** The shares at which a distribution is kept. */
const SHARES = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1];

export const distribution = (values: number[]): [number, number][] => {
  const sorted = values.toSorted((a, b) => a - b);
  return SHARES.map((share) => [share, atShare(sorted, share)]);
};

/** Holdfast's figure in terms of the other's. */
export function ratio({ holdfast, against }: Measure): number | undefined {
  return against === undefined ? undefined : holdfast / against;
}

const moreIsBetter = ({ unit }: Measure) => unit.endsWith('/s') || unit === '%';

/** Whether a measure is as `bound` (its goal or guard) wants it. */
export function keeps(measure: Measure, bound: number): boolean {
  const value = ratio(measure) ?? measure.holdfast;
  return moreIsBetter(measure) ? value >= bound : value <= bound;
}

/** A bound in words: `≤ 1.3×`, `≥ 100 %`. */
export function inWords(measure: Measure, bound: number): string {
  const unit = measure.against === undefined ? ` ${measure.unit}`.trimEnd() : '×';
  return `${moreIsBetter(measure) ? '≥' : '≤'} ${bound}${unit}`;
}
