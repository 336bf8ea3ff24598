import { expect, it } from 'vitest';
import { atMostEverySecond } from './seldom.ts';

it('says the first at once, and once a second how many came since', () => {
  const clock = { ms: 0 };
  const said: [number, string][] = [];
  const say = atMostEverySecond(
    (count, what: string) => said.push([count, what]),
    () => clock.ms,
  );
  say('a');
  say('b');
  clock.ms += 999;
  say('c');
  clock.ms += 1;
  say('d');
  expect(said).toEqual([
    [1, 'a'],
    [3, 'd'],
  ]);
});
