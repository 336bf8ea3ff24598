/** Whether two runs of the benchmark say the same. */
import { type Measure, ratio } from './measure.ts';
import type { Measured, Result } from './report.ts';

/** Ratios of medians and of rates. */
const RATIO_WITHIN = 1.15;
/** Of the tail, which few values make. */
const P99_WITHIN = 2;

type Rule = {
  /** What is compared: how Holdfast's figure stands to the other's, or the figure itself. */
  of: 'ratio' | 'figure';
  /** The most that the larger may be in terms of the smaller; absent where nothing is promised: memory, bytes, p95s, a median beside nothing. */
  within?: number;
};

export type Agreement = Rule & {
  /** The first run's. */
  measure: Measured;
  values: [number, number];
  /** The larger in terms of the smaller. */
  apart: number;
};

/** What both have, in the order of the first. */
export function agreements(first: Pick<Result, 'measured'>, second: Pick<Result, 'measured'>): Agreement[] {
  return first.measured.flatMap((measure) => {
    const same = second.measured.find((it) => nameOf(it) === nameOf(measure));
    return same === undefined ? [] : [agreement(measure, same)];
  });
}

/** The names of what only the first has. */
export function missingIn(second: Pick<Result, 'measured'>, first: Pick<Result, 'measured'>): string[] {
  const names = second.measured.map(nameOf);
  return first.measured.map(nameOf).filter((name) => !names.includes(name));
}

export const agrees = ({ apart, within }: Agreement): boolean => within === undefined || apart <= within;

function agreement(measure: Measured, same: Measured): Agreement {
  const rule = ruleOf(measure);
  const value = (it: Measure) => (rule.of === 'ratio' ? ratio(it) : it.holdfast) ?? Number.NaN;
  const values: [number, number] = [value(measure), value(same)];
  return { ...rule, measure, values, apart: apartBy(...values) };
}

/** By the measure's name and unit. */
function ruleOf({ what, unit, against }: Measure): Rule {
  if (/\bp99\b/.test(what)) return { of: 'figure', within: P99_WITHIN };
  if (against === undefined) return { of: 'figure' };
  return /\bp50\b/.test(what) || unit.endsWith('/s') ? { of: 'ratio', within: RATIO_WITHIN } : { of: 'ratio' };
}

const apartBy = (a: number, b: number) => (a === b ? 1 : Math.max(a, b) / Math.min(a, b));

/** A rate that a run set itself is no part of the name: the second run sets another. */
const nameOf = ({ form, row, what }: Measured) => `${form} ${row}: ${what.replace(/ at \d+\/s/, '')}`;
