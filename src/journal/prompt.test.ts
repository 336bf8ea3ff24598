/** What the model sees is a pure function of the journal. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CALLER,
  type ClockedJournal,
  clientCall,
  delta,
  openClockedJournal,
  question,
  type RunIds,
  turnOf,
} from '../../test/support/clocked-journal.ts';
import { CANCELLED_CALL_OUTPUT } from './end-run.ts';
import { readPrompt } from './prompt.ts';

let journal: ClockedJournal;
beforeEach(async () => {
  journal = await openClockedJournal();
});
afterEach(() => journal.close());

const prompt = async (run: RunIds) => (await readPrompt(journal.db, 'org_a', run.thread_id)).messages;
const user = (text: string) => ({ role: 'user', content: [{ type: 'text', text }] });
const next = (run: RunIds, text: string) =>
  journal.create({}, { thread_id: run.thread_id, input: [{ type: 'text', text }] });

async function cancelled(run: RunIds): Promise<void> {
  await journal.write('requestCancel', { caller: CALLER, run_id: run.run_id });
  await journal.write('finishRun', { ...run, as: { status: 'cancelled', reason: 'cancel_requested' } });
}

describe('the prompt', () => {
  it('holds the thread in order, with the answer to a question as its result', async () => {
    const run = await journal.create();
    await journal.turnWith(run, [question('Which colour?')]);
    await journal.answer(run, { content: 'blue' });
    const [, assistant, tool, ...rest] = await prompt(run);
    const call_id = expect.stringMatching(/^call_/);
    expect(assistant).toEqual({
      role: 'assistant',
      content: 'Hello.',
      tool_calls: [{ call_id, name: 'ask_user', arguments: { question: 'Which colour?' } }],
    });
    expect(tool).toEqual({
      role: 'tool',
      results: [{ call_id, name: 'ask_user', output: 'blue', is_error: false }],
    });
    expect(rest).toEqual([]);
  });

  it('holds the complete exchanges of earlier runs, then what is new', async () => {
    const first = await journal.create();
    await journal.turnWith(first, [clientCall('locate')]);
    const [request] = await journal.requests(first);
    const [call] = JSON.parse(request?.tool_calls as string) as { call_id: string }[];
    await journal.answer(first, { tool_outputs: [{ call_id: call?.call_id as string, output: 'Oslo' }] });
    const last = turnOf(await journal.lease(first, 2), { turn: 2, content: 'You are in Oslo.' });
    await journal.write('completeTurn', last);
    const second = await next(first, 'and now?');
    const seen = await prompt(second);
    expect(seen.map((message) => message.role)).toEqual(['user', 'assistant', 'tool', 'assistant', 'user']);
    expect(seen[2]).toMatchObject({ results: [{ name: 'locate', output: 'Oslo' }] });
    expect(seen[3]).toEqual({ role: 'assistant', content: 'You are in Oslo.', tool_calls: [] });
    expect(seen[4]).toEqual(user('and now?'));
  });

  it('keeps an answer that was cut off, marked as incomplete', async () => {
    const run = await journal.create();
    const lease = await journal.lease(run);
    await journal.write('appendDeltas', { lease, events: [delta('Once upon '), delta('a ti')] });
    await cancelled(run);
    const seen = await prompt(await next(run, 'go on'));
    const cut = { role: 'assistant', content: 'Once upon a ti', incomplete: true, tool_calls: [] };
    expect(seen).toEqual([user('hello'), cut, user('go on')]);
  });

  it('does not hold what a void attempt said', async () => {
    const run = await journal.create();
    const lost = await journal.lease(run);
    await journal.write('appendDeltas', { lease: lost, events: [delta('void')] });
    const lease = await journal.lease(run);
    expect(await prompt(run)).toEqual([user('hello')]);
    await journal.write('appendDeltas', { lease, events: [delta('valid')] });
    await cancelled(run);
    expect((await prompt(run)).at(-1)).toMatchObject({ content: 'valid', incomplete: true });
  });

  it('closes a call that nobody answered as cancelled', async () => {
    const run = await journal.create();
    await journal.turnWith(run, [question('Which?'), clientCall('locate')]);
    await cancelled(run);
    const seen = await prompt(await next(run, 'never mind'));
    expect(seen.map((message) => message.role)).toEqual(['user', 'assistant', 'tool', 'user']);
    const result = { output: CANCELLED_CALL_OUTPUT, is_error: true };
    expect(seen[2]).toMatchObject({
      results: [
        { name: 'ask_user', ...result },
        { name: 'locate', ...result },
      ],
    });
  });

  it('is the same each time it is read', async () => {
    const run = await journal.create();
    await journal.turnWith(run, [question('Which?')]);
    expect(await prompt(run)).toEqual(await prompt(run));
  });

  it('is empty for another organisation', async () => {
    const run = await journal.create();
    expect(await prompt(run)).toHaveLength(1);
    expect((await readPrompt(journal.db, 'org_b', run.thread_id)).messages).toEqual([]);
  });
});
