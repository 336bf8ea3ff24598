import { expect, it } from 'vitest';
import { schedule, type Target } from './schedule.ts';

const TARGETS: Target[] = [
  { name: 'api-1', weight: 2, kinds: ['kill', 'freeze'] },
  { name: 'worker-1', weight: 3, kinds: ['kill', 'freeze'] },
  { name: 'readers', weight: 1, kinds: ['cut'] },
];
const MINUTES_10 = 600_000;

it('one seed gives one schedule, another seed another', () => {
  expect(schedule(7, MINUTES_10, TARGETS)).toEqual(schedule(7, MINUTES_10, TARGETS));
  expect(schedule(7, MINUTES_10, TARGETS)).not.toEqual(schedule(8, MINUTES_10, TARGETS));
});

it('a longer run begins as the shorter one', () => {
  const short = schedule(7, 60_000, TARGETS);
  expect(short.length).toBeGreaterThan(3);
  expect(schedule(7, MINUTES_10, TARGETS).slice(0, short.length)).toEqual(short);
});

it('every target is struck in every way of its own, never while it is down, and is back before the end', () => {
  const faults = schedule(7, MINUTES_10, TARGETS);
  const ways = new Set(faults.map(({ target, kind }) => `${kind} ${target}`));
  expect([...ways].sort()).toEqual(TARGETS.flatMap(({ name, kinds }) => kinds.map((kind) => `${kind} ${name}`)).sort());
  for (const { name } of TARGETS) {
    const own = faults.filter(({ target }) => target === name);
    for (const [i, fault] of own.entries())
      expect(fault.atMs + fault.forMs).toBeLessThanOrEqual(own[i + 1]?.atMs ?? MINUTES_10);
  }
});
