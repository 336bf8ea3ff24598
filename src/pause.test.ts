import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { pause } from './pause.ts';

const LONG_MS = 60_000;

it('ends after its time, and leaves nothing at the signal', async () => {
  const { signal } = new AbortController();
  await pause(1, signal);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

it('ends at once when the signal aborts, and when it has', async () => {
  const stop = new AbortController();
  const paused = pause(LONG_MS, stop.signal);
  stop.abort();
  await paused;
  await pause(LONG_MS, stop.signal);
});
