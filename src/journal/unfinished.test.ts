/** What `run.cancelled` names as unfinished is what could not be stopped (invariant 6), and nothing else. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CALLER,
  type ClockedJournal,
  createArgs,
  openClockedJournal,
  ROUTE,
  type RunIds,
  serverCall,
  specWith,
} from '../../test/support/clocked-journal.ts';
import type { TurnCall } from './open-calls.ts';

let journal: ClockedJournal;
beforeEach(async () => {
  journal = await openClockedJournal();
});
afterEach(() => journal.close());

const begin = (run: RunIds, idx = 0) => journal.beginCall(run, { idx });

async function finish(run: RunIds): Promise<unknown> {
  await journal.write('finishRun', { ...run, as: { status: 'cancelled', reason: 'cancel_requested' } });
  return (await journal.events(run)).at(-1)?.data.unfinished;
}

const requestCancel = (run: RunIds) => journal.write('requestCancel', { caller: CALLER, run_id: run.run_id });

describe('a cancel names', () => {
  it('a call whose tool is still at work', async () => {
    const run = await journal.create();
    await journal.turnWith(run, [serverCall('look')]);
    const { call_id } = await begin(run);
    await requestCancel(run);
    expect(await finish(run)).toEqual([{ call_id, name: 'look' }]);
  });

  it('no call that ended after the cancel was requested', async () => {
    const run = await journal.create();
    await journal.turnWith(run, [serverCall('look')]);
    const call = await begin(run);
    await requestCancel(run);
    const result = { ...call, status: 'ok', output: '', duration_ms: 1 } as const;
    expect(await journal.write('completeCall', result)).toEqual({ outcome: 'cancelled' });
    expect(await finish(run)).toEqual([]);
  });

  it('no call of run_agent that made no child', async () => {
    const run = await journal.create();
    const task: TurnCall = { kind: 'agent', offered: true, name: 'run_agent', arguments: {}, may_repeat: true };
    await journal.turnWith(run, [task]);
    const call = await begin(run);
    await requestCancel(run);
    const { persona_id, metadata, input } = createArgs();
    const child = { persona_id, metadata, input, route: ROUTE, spec: specWith() };
    const made = await journal.write('createChild', { ...call, turn: 1, active_limit: null, child });
    expect(made).toEqual({ outcome: 'cancelled' });
    expect(await finish(run)).toEqual([]);
  });

  it('no call whose worker was lost and that ran out of time before it began again', async () => {
    const run = await journal.create({ budget: { timeout_s: 10, on_exceeded: 'ask' } });
    await journal.turnWith(run, [serverCall('look')]);
    await begin(run);
    journal.pass(20_000);
    expect(await journal.write('beginCall', { ...run, turn: 1, idx: 0 })).toMatchObject({
      outcome: { outcome: 'done' },
    });
    await journal.begin(run, 2);
    await journal.answer(run, { content: 'raise' });
    await journal.lease(run, 2);
    await requestCancel(run);
    expect(await finish(run)).toEqual([]);
  });
});
