import pino from 'pino';
import { expect, it } from 'vitest';
import type { Journal } from '../src/journal/journal.ts';
import { openProgress } from './call-progress.ts';
import { MAX_GATHERED_EVENTS } from './delta-writer.ts';

it('of a tool that says more than the journal takes, no more gathers than may, and what it says later is shown', async () => {
  const appends: { events: unknown[]; done: () => void }[] = [];
  const write = ((_name: string, { events }: { events: unknown[] }) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    appends.push({ events, done: resolve });
    return promise;
  }) as unknown as Journal['write'];
  const lease = { org_id: 'org_a', run_id: 'run_1', step: 'call:1:0', token: 't', attempt: 1 };
  const progress = openProgress({
    write,
    lease,
    call_id: 'call_1',
    onLeaseLost: () => undefined,
    log: pino({ level: 'silent' }),
  });
  for (let i = 0; i < 3 * MAX_GATHERED_EVENTS; i++) progress.report({ progress: i });
  appends[0]?.done();
  await expect.poll(() => appends.length).toBe(2);
  appends[1]?.done();
  await progress.flush();
  expect(appends.map(({ events }) => events.length)).toEqual([1, MAX_GATHERED_EVENTS]);

  progress.report({ progress: 'later' });
  expect(appends[2]?.events).toEqual([{ type: 'tool.progress', data: '{"call_id":"call_1","progress":"later"}' }]);
  appends[2]?.done();
  await progress.flush();
});
