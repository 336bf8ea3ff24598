/** Status is derived (invariant 3), and a person's time is not the run's. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClockedJournal, openClockedJournal, question, turnOf } from '../../test/support/clocked-journal.ts';
import type { RunStatus } from '../runs/types.ts';
import { workedMs } from './budget.ts';
import { statusAfter } from './run-row.ts';

const event = (type: string, stillWaiting?: boolean) => ({ type, data: {}, ...(stillWaiting ? { stillWaiting } : {}) });

describe('the status after an event', () => {
  it.each<[RunStatus, string, RunStatus]>([
    ['queued', 'run.started', 'running'],
    ['queued', 'run.cancel_requested', 'cancelling'],
    ['queued', 'run.failed', 'failed'],
    ['running', 'turn.started', 'running'],
    ['running', 'message.delta', 'running'],
    ['running', 'message.reset', 'running'],
    ['running', 'message.completed', 'running'],
    ['running', 'tool.call', 'running'],
    ['running', 'tool.result', 'running'],
    ['running', 'run.waiting_for_input', 'waiting_for_input'],
    ['running', 'run.completed', 'completed'],
    ['running', 'run.failed', 'failed'],
    ['running', 'run.cancelled', 'cancelled'],
    ['waiting_for_input', 'tool.result', 'waiting_for_input'],
    ['waiting_for_input', 'run.input_received', 'running'],
    ['waiting_for_input', 'run.cancel_requested', 'cancelling'],
    ['waiting_for_input', 'run.failed', 'failed'],
    ['cancelling', 'run.waiting_for_input', 'cancelling'],
    ['cancelling', 'run.input_received', 'cancelling'],
    ['cancelling', 'run.started', 'cancelling'],
    ['cancelling', 'message.delta', 'cancelling'],
    ['cancelling', 'run.cancelled', 'cancelled'],
  ])('%s, then %s: %s', (before, type, after) => {
    expect(statusAfter(before, [event(type)])).toBe(after);
  });

  it('is waiting_for_input while another request is open', () => {
    expect(statusAfter('waiting_for_input', [event('run.input_received', true)])).toBe('waiting_for_input');
  });

  it('follows several events of one commit in their order', () => {
    expect(statusAfter('queued', [event('run.started'), event('run.waiting_for_input')])).toBe('waiting_for_input');
    expect(statusAfter('running', [event('run.cancel_requested'), event('run.cancelled')])).toBe('cancelled');
  });
});

describe('a run in the journal', () => {
  let journal: ClockedJournal;
  beforeEach(async () => {
    journal = await openClockedJournal();
  });
  afterEach(() => journal.close());

  it('has after each commit the status that its events say', async () => {
    const run = await journal.create();
    const look = async () => {
      const said = await journal.events(run);
      const received = (index: number) => said.slice(0, index).filter(isOpen).length;
      const events = said.map((one, i) => event(one.type, one.type === 'run.input_received' && received(i) > 1));
      const { status } = await journal.row(run);
      expect(status).toBe(statusAfter('queued', events));
      return status;
    };
    const isOpen = (one: { type: string }) => one.type === 'run.waiting_for_input';
    const seen = [await look()];
    const lease = await journal.lease(run);
    seen.push(await look());
    await journal.write('completeTurn', turnOf(lease, { calls: [question('Which?'), question('Why?')] }));
    seen.push(await look());
    const [first, second] = await journal.requests(run);
    await journal.answer(run, { request_id: first?.id as string, content: 'blue' });
    seen.push((await journal.row(run)).status);
    await journal.answer(run, { request_id: second?.id as string, content: 'so' });
    seen.push((await journal.row(run)).status);
    await journal.write('completeTurn', turnOf(await journal.lease(run, 2), { turn: 2 }));
    seen.push(await look());
    expect(seen).toEqual([...['queued', 'running', 'waiting_for_input', 'waiting_for_input', 'running', 'completed']]);
  });

  it('does not count the time it waits for its human', async () => {
    const run = await journal.create();
    const lease = await journal.lease(run);
    journal.pass(2_000);
    await journal.write('completeTurn', turnOf(lease, { calls: [question('Which?')] }));
    journal.pass(600_000);
    expect(workedMs(await journal.row(run), journal.now())).toBe(2_000);
    await journal.answer(run, { content: 'blue' });
    journal.pass(3_000);
    expect(workedMs(await journal.row(run), journal.now())).toBe(5_000);
    expect((await journal.row(run)).waited_ms).toBe(600_000);
  });
});
