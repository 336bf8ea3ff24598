/** `npm run bench:compare`: which figures of two runs must agree, and how closely. */
import { describe, expect, it } from 'vitest';
import { agreements, agrees, missingIn } from '../../bench/agreement.ts';
import type { Measured } from '../../bench/report.ts';
import { measure, resultOf } from './results.ts';

/** Whether a measure agrees with itself when Holdfast's figure, and that of what it stands beside, are so many times as large. */
const agreesWhen = (it: Measured, times: number, against = 1) => {
  const other = { ...it, holdfast: it.holdfast * times };
  if (it.against !== undefined) other.against = it.against * against;
  const [agreement] = agreements(resultOf([it]), resultOf([other]));
  return agreement !== undefined && agrees(agreement);
};

describe('two runs agree', () => {
  it('when the ratios of medians are within 15 % of each other, whatever the machine did', () => {
    const p50 = measure('run-latency', 'create → run.completed p50', 'ms', { against: 80 });
    expect(agreesWhen(p50, 1.14)).toBe(true);
    expect(agreesWhen(p50, 1 / 1.14)).toBe(true);
    expect(agreesWhen(p50, 1.16)).toBe(false);
    expect(agreesWhen(p50, 1 / 1.16)).toBe(false);
    expect(agreesWhen(p50, 3, 3)).toBe(true);
    expect(agreesWhen(p50, 1, 3)).toBe(false);
  });

  it('when the ratios of rates are', () => {
    const atATime = measure('run-rate', 'runs at 20 at a time', '/s', { against: 90 });
    expect(agreesWhen(atATime, 0.9)).toBe(true);
    expect(agreesWhen(atATime, 0.8)).toBe(false);
  });

  it('when p99s are within twice each other, and not by their ratios', () => {
    const cancel = measure('cancel', 'cancel → run.cancelled p99', 'ms');
    expect(agreesWhen(cancel, 1.9)).toBe(true);
    expect(agreesWhen(cancel, 2.1)).toBe(false);
    const beside = measure('run-latency', 'create → run.completed p99', 'ms', { against: 80 });
    expect(agreesWhen(beside, 1.9, 0.5)).toBe(true);
    expect(agreesWhen(beside, 2.1, 2.1)).toBe(false);
  });

  it('whatever they say of what nothing is promised for', () => {
    for (const it of [
      measure('parked', "worker's memory, 10000 parked", 'MiB'),
      measure('history', 'bytes, one turn', 'B', { against: 80 }),
      measure('delta', 'chunk → reader p50', 'ms'),
      measure('growth', 'list p95, 1000000 runs', 'ms', { against: 1 }),
      measure('run-rate', 'p95 in terms of p50 at 100', '×'),
    ]) {
      expect(agreesWhen(it, 10)).toBe(true);
    }
  });

  it('and not when only one of them is nothing', () => {
    const late = measure('delta', 'event loop of the API p99', 'ms');
    expect(agreesWhen({ ...late, holdfast: 0 }, 1)).toBe(true);
    const [agreement] = agreements(resultOf([{ ...late, holdfast: 0 }]), resultOf([late]));
    expect(agreement && agrees(agreement)).toBe(false);
  });
});

it('measures are of one name when form, row and words are the same, the load apart that a soak has found for itself', () => {
  const soak = (perSecond: number) =>
    measure('soak', `create → run.completed p50: last 5 of 30 min at ${perSecond}/s, against the first`, 'ms');
  const first = resultOf([soak(81), measure('cancel', 'p99', 'ms'), measure('start', 'first run after it', 'ms')]);
  const second = resultOf([soak(79), measure('cancel', 'p99', 'ms', { form: 'apart' })]);
  expect(agreements(first, second).map((it) => it.measure.row)).toEqual(['soak']);
  expect(missingIn(second, first)).toEqual(['embedded cancel: p99', 'embedded start: first run after it']);
  expect(missingIn(first, second)).toEqual(['apart cancel: p99']);
});
