/** What a run did, without what was said. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type ClockedJournal,
  delta,
  NO_TOKENS,
  openClockedJournal,
  turnOf,
} from '../../test/support/clocked-journal.ts';
import { readMilestones } from './milestones.ts';

let journal: ClockedJournal;
beforeAll(async () => {
  journal = await openClockedJournal();
});
afterAll(() => journal.close());

const texts = (count: number) => Array.from({ length: count }, (_, i) => delta(`${i} `));

it('is its events without texts, but for the first of an attempt that was not completed', async () => {
  const run = await journal.create();
  const lost = await journal.lease(run);
  await journal.write('appendDeltas', { lease: lost, events: texts(50) });
  const error = { code: 'provider.unavailable', message: 'x', retryable: true };
  const attempt = { usage: NO_TOKENS, cost_usd: 0, retries: 3, fallback: null, events: [] };
  await journal.write('failAttempt', { ...attempt, lease: lost, release: 'provider_error', error });
  const silent = await journal.lease(run);
  await journal.write('failAttempt', { ...attempt, lease: silent, release: 'provider_error', error });
  const whole = await journal.lease(run);
  await journal.write('completeTurn', turnOf(whole, { events: texts(50) }));

  const seen = await readMilestones(journal.db, run.run_id);
  expect(seen.map((event) => event.type)).toEqual([
    'run.started',
    'turn.started',
    'message.delta',
    'message.reset',
    'turn.started',
    'message.reset',
    'turn.started',
    'message.completed',
    'run.completed',
  ]);
  expect(seen[2]?.data.content).toBe('0 ');
  expect(seen.map((event) => event.seq)).toEqual(seen.map((event) => event.seq).toSorted((a, b) => a - b));
  const until = await readMilestones(journal.db, run.run_id, 3);
  expect(until.map((event) => event.type)).toEqual(['run.started', 'turn.started', 'message.delta']);
});
