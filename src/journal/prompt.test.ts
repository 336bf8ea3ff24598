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
  serverCall,
  turnOf,
} from '../../test/support/clocked-journal.ts';
import { messageTokens } from '../models/estimate.ts';
import type { PromptMessage } from '../models/types.ts';
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

describe('a window', () => {
  const words = (message: PromptMessage) => JSON.stringify(message).split(' ').length;
  const windowed = (run: RunIds, max: number) =>
    readPrompt(journal.db, 'org_a', run.thread_id, { tokens: { max, of: words } });

  /** A thread of `count` runs, each a message `n` and an answer. */
  async function conversation(count: number): Promise<RunIds> {
    let run = await journal.create({}, { input: [{ type: 'text', text: 'message 1' }] });
    for (let n = 1; ; n++) {
      await journal.write('completeTurn', turnOf(await journal.lease(run), { content: `answer ${n}` }));
      if (n === count) return run;
      run = await next(run, `message ${n + 1}`);
    }
  }

  it('keeps the newest messages, in order, beginning with one of the user', async () => {
    const run = await next(await conversation(5), 'message 6');
    const { messages, dropped_messages } = await windowed(run, 8);
    expect(messages).toEqual([
      user('message 5'),
      { role: 'assistant', content: 'answer 5', tool_calls: [] },
      user('message 6'),
    ]);
    expect(dropped_messages).toBe(8);
    const odd = await windowed(run, 5);
    expect(odd.messages).toEqual([user('message 6')]);
    expect(odd.dropped_messages).toBe(10);
  });

  it('that everything fits in drops nothing, over any number of pages', async () => {
    const run = await conversation(120);
    const { messages, dropped_messages } = await windowed(run, 1_000_000);
    expect(messages).toHaveLength(240);
    expect(messages[0]).toEqual(user('message 1'));
    expect(dropped_messages).toBe(0);
    expect((await windowed(run, 402)).messages).toHaveLength(200);
  });

  it('never loses the message to be answered, nor parts a call from its result', async () => {
    const run = await journal.create({}, { input: [{ type: 'text', text: 'the task' }] });
    for (let turn = 1; turn <= 20; turn++) await toolTurn(run, turn);
    const { messages, dropped_messages, dropped_calls } = await windowed(run, 8);
    expect(messages.map((message) => message.role)).toEqual(['user', 'assistant', 'tool', 'assistant', 'tool']);
    expect(messages[0]).toEqual(user('the task'));
    expect(messages.at(-1)).toMatchObject({ results: [{ output: 'result 20' }] });
    expect(dropped_messages).toBe(18);
    expect(dropped_calls).toBe(18);
  });

  it('keeps the newest exchange however large it is', async () => {
    const run = await journal.create();
    await toolTurn(run, 1);
    const { messages } = await windowed(run, 0);
    expect(messages.map((message) => message.role)).toEqual(['user', 'assistant', 'tool']);
  });

  it('keeps the work of a run that is spoken to in its midst', async () => {
    const run = await journal.create({}, { input: [{ type: 'text', text: 'the long task '.repeat(10) }] });
    for (let turn = 1; turn <= 6; turn++) await toolTurn(run, turn);
    const content = [{ type: 'text' as const, text: 'be quick' }];
    await journal.write('addRunMessage', { org_id: 'org_a', run_id: run.run_id, content });
    await journal.lease(run, 7);
    const roomy = await windowed(run, 46);
    expect(roomy.messages.map((message) => message.role)).toEqual(['user', ...repeated(4), 'user']);
    expect(roomy.dropped_messages).toBe(2);
    expect(roomy.dropped_calls).toBe(0);
    // Without room for the task what answers it goes: what is to be answered stays.
    const tight = await windowed(run, 12);
    expect(tight.messages).toEqual([user('be quick')]);
  });

  it('counts an image as a large one', () => {
    const image = { type: 'image_url' as const, image_url: { url: 'https://example.com/a.png' } };
    const message = { role: 'user' as const, content: [image] };
    expect(messageTokens({ provider: 'openai' }, message)).toBe(1_600);
  });

  it('of so many messages from before the run counts none of its own', async () => {
    const run = await next(await conversation(5), 'message 6');
    await toolTurn(run, 1);
    const before = { run_id: run.run_id, messages: 3 };
    const { messages, dropped_messages } = await readPrompt(journal.db, 'org_a', run.thread_id, { before });
    expect(messages.map((message) => message.role)).toEqual([
      ...['assistant', 'user', 'assistant'],
      ...['user', 'assistant', 'tool'],
    ]);
    expect(dropped_messages).toBe(7);
  });

  const repeated = (times: number) => Array.from({ length: times }, () => ['assistant', 'tool']).flat();

  async function toolTurn(run: RunIds, turn: number): Promise<void> {
    await journal.turnWith(run, [serverCall('look')], turn);
    await journal.completeCall(await journal.beginCall(run, { turn }), `result ${turn}`);
  }
});
