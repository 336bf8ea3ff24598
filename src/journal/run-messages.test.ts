/** Messages to an active run, in the journal: taken by the next turn, whole and once, or left in the thread. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CALLER,
  type ClockedJournal,
  openClockedJournal,
  type RunIds,
  turnOf,
} from '../../test/support/clocked-journal.ts';
import { readPrompt } from './prompt.ts';

let journal: ClockedJournal;
beforeEach(async () => {
  journal = await openClockedJournal();
});
afterEach(() => journal.close());

const say = (run: RunIds, text: string) =>
  journal.write('addRunMessage', { org_id: 'org_a', run_id: run.run_id, content: [{ type: 'text', text }] });
const textsOf = async (run: RunIds) =>
  (await readPrompt(journal.db, 'org_a', run.thread_id)).messages.map((message) =>
    message.role === 'user'
      ? message.content.map((part) => (part.type === 'text' ? part.text : '')).join('')
      : message.role,
  );

describe('a message to a run', () => {
  it('is no part of the prompt before a turn has taken it', async () => {
    const run = await journal.create();
    await journal.lease(run);
    await say(run, 'and this');
    expect(await textsOf(run)).toEqual(['hello']);
    await journal.lease(run);
    expect(await textsOf(run)).toEqual(['hello', 'and this']);
  });

  it('that waits for its thread goes with the run when it is cancelled, and not into the work of another', async () => {
    const active = await journal.create();
    await journal.lease(active);
    const input = [{ type: 'text' as const, text: 'queued' }];
    const queued = await journal.create({}, { thread_id: active.thread_id, on_busy: 'enqueue', input });
    await say(queued, 'said to the queued run');
    await journal.write('requestCancel', { caller: CALLER, run_id: queued.run_id });
    expect(await textsOf(active)).toEqual(['hello']);
    expect(await journal.db.selectFrom('run_messages').selectAll().execute()).toEqual([]);
  });

  it('that waits for its thread is taken by its first turn', async () => {
    const active = await journal.create();
    const lease = await journal.lease(active);
    const input = [{ type: 'text' as const, text: 'queued' }];
    const queued = await journal.create({}, { thread_id: active.thread_id, on_busy: 'enqueue', input });
    await say(queued, 'said to the queued run');
    await journal.write('completeTurn', turnOf(lease));
    await journal.lease(queued);
    expect(await textsOf(queued)).toEqual(['hello', 'assistant', 'queued', 'said to the queued run']);
  });

  it('keeps the time at which it was written', async () => {
    const run = await journal.create();
    await journal.lease(run);
    const { value } = await say(run, 'and this');
    journal.pass(60_000);
    await journal.lease(run);
    const rows = journal.db.selectFrom('messages').select('created_at').where('id', '=', value.id);
    expect(await rows.executeTakeFirst()).toEqual({ created_at: value.created_at });
  });

  it('does not fail a run that is done and may take no further turn', async () => {
    const run = await journal.create({ budget: { max_turns: 1 } });
    const lease = await journal.lease(run);
    await say(run, 'thanks');
    expect(await journal.write('completeTurn', turnOf(lease))).toEqual({ outcome: 'ended', status: 'completed' });
    expect(await textsOf(run)).toEqual(['hello', 'assistant', 'thanks']);
  });
});
