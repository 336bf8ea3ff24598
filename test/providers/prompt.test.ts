/** What reaches the model: the whole conversation, in order, on every wire. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsUntil } from '../support/events.ts';
import { WIRES, wireRoute } from '../wire/collect.ts';
import { type OnWire, openOnWire } from './on-wire.ts';
import { callIds, resultIds, said, transcript } from './transcript.ts';

let on: OnWire;
beforeAll(async () => {
  on = await openOnWire((url) => WIRES.map((wire) => wireRoute(wire, url, { retries: 0 })));
});
afterAll(async () => {
  await on.close();
});

async function newThread(...messages: { role?: string; content: unknown }[]): Promise<string> {
  const made = await on.stack.send('POST', '/v1/threads', { body: {} });
  const { id } = (await made.json()) as { id: string };
  for (const body of messages) {
    expect((await on.stack.send('POST', `/v1/threads/${id}/messages`, { body })).status).toBe(201);
  }
  return id;
}

const lastLines = () => {
  const request = on.wire.requests.at(-1);
  if (!request) throw new Error('nothing was asked');
  return transcript(request);
};

describe.each(WIRES)('the %s wire is told', (wire) => {
  it('the instructions, the additional ones and all messages of the thread in their order', async () => {
    on.wire.script(wire, [{ text: ['Blue.'] }]);
    const thread = await newThread(
      { content: 'My name is Ada.' },
      { role: 'assistant', content: 'Hello Ada.' },
      {
        content: [
          { type: 'text', text: 'I like ' },
          { type: 'text', text: 'blue.' },
        ],
      },
    );
    const id = await on.run(
      { route_id: wire, input: 'Which colour?', instructions: 'Be brief.', additional_instructions: 'Rhyme not.' },
      thread,
    );
    await on.finish(id);
    expect(said(lastLines())).toEqual([
      'system Be brief.\n\nRhyme not.',
      'user My name is Ada.',
      'assistant Hello Ada.',
      ...(wire === 'anthropic' ? ['user I like ', 'user blue.'] : ['user I like blue.']),
      // Anthropic takes neighbouring user messages as one of several blocks.
      'user Which colour?',
    ]);
  });

  it('a run without input: the thread as it is', async () => {
    on.wire.script(wire, [{ text: ['Yes?'] }]);
    const thread = await newThread({ content: 'Are you there?' });
    await on.finish(await on.run({ route_id: wire, instructions: 'I.' }, thread));
    expect(said(lastLines())).toEqual(['system I.', 'user Are you there?']);
  });

  it('the instructions alone where the thread has no message', async () => {
    on.wire.script(wire, [{ text: ['Once upon a time.'] }]);
    const events = await on.finish(await on.run({ route_id: wire, instructions: 'Tell a story.' }));
    expect(said(lastLines())[0]).toBe('system Tell a story.');
    expect(events.at(-1)?.type).toBe('run.completed');
  });

  it('earlier runs with their tool exchanges', async () => {
    on.wire.script(wire, (_, index) =>
      index === 0
        ? { text: ['Let me ask.'], toolCalls: [{ name: 'ask_user', arguments: { question: 'Size?' } }] }
        : { text: [`Answer ${index}.`] },
    );
    const thread = await newThread();
    const first = await on.run({ route_id: wire, input: 'A coat, please.', instructions: 'I.' }, thread);
    await on.until(first, 'run.waiting_for_input');
    await on.answer(first, { content: 'large' });
    await on.finish(first);
    await on.finish(await on.run({ route_id: wire, input: 'And a hat.', instructions: 'J.' }, thread));
    const lines = lastLines();
    expect(said(lines)).toEqual([
      'system J.',
      'user A coat, please.',
      'assistant Let me ask.',
      'call ask_user {"question":"Size?"}',
      'result large',
      'assistant Answer 1.',
      'user And a hat.',
    ]);
    expect(resultIds(lines)).toEqual(callIds(lines));
  });

  it('an earlier answer that was cancelled: what was seen of it, marked as cut off', async () => {
    on.wire.script(wire, (_, index) =>
      index === 0 ? { text: ['The answer ', 'begins'], fault: 'silent' } : { text: ['Whole.'] },
    );
    const thread = await newThread();
    const first = await on.run({ route_id: wire, input: 'Begin.', instructions: 'I.' }, thread);
    await eventsUntil(on.stack, first, (event) => event.data.content === 'begins');
    await on.stack.send('POST', `/v1/runs/${first}:cancel`);
    expect((await on.finish(first)).at(-1)?.type).toBe('run.cancelled');
    const listed = await on.stack.send('GET', `/v1/threads/${thread}/messages`);
    expect(await listed.json()).toMatchObject([{ status: 'incomplete', content: [{ text: 'The answer begins' }] }, {}]);
    await on.finish(await on.run({ route_id: wire, input: 'Again.', instructions: 'I.' }, thread));
    expect(said(lastLines())).toEqual([
      'system I.',
      'user Begin.',
      'assistant The answer begins [cut off]',
      'user Again.',
    ]);
  });

  it('a call that was cancelled before it was answered: with a result that says so', async () => {
    on.wire.script(wire, (_, index) =>
      index === 0 ? { toolCalls: [{ name: 'ask_user', arguments: { question: 'Sure?' } }] } : { text: ['Fine.'] },
    );
    const thread = await newThread();
    const first = await on.run({ route_id: wire, input: 'Delete it.', instructions: 'I.' }, thread);
    await on.until(first, 'run.waiting_for_input');
    await on.stack.send('POST', `/v1/runs/${first}:cancel`);
    await on.finish(first);
    await on.finish(await on.run({ route_id: wire, input: 'Never mind.', instructions: 'I.' }, thread));
    const lines = lastLines();
    expect(said(lines).slice(2)).toEqual([
      'call ask_user {"question":"Sure?"}',
      expect.stringMatching(/^result .*Cancelled/),
      'user Never mind.',
    ]);
    expect(resultIds(lines)).toEqual(callIds(lines));
  });

  it('what a failed run had said before it failed, and the message that it did not answer', async () => {
    on.wire.script(wire, (_, index) =>
      index === 0 ? { text: ['I was about'], fault: 'cut' } : { text: ['Here I am.'] },
    );
    const thread = await newThread();
    const first = await on.run({ route_id: wire, input: 'First.', instructions: 'I.' }, thread);
    expect((await on.finish(first)).at(-1)?.type).toBe('run.failed');
    await on.finish(await on.run({ route_id: wire, input: 'Second.', instructions: 'I.' }, thread));
    expect(said(lastLines())).toEqual(['system I.', 'user First.', 'assistant I was about [cut off]', 'user Second.']);
  });
});

it('an image goes to the provider by its address', async () => {
  on.wire.script('openai', [{ text: ['A cat.'] }]);
  const image = { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } };
  const input = [{ type: 'text', text: 'What is it?' }, image];
  await on.finish(await on.run({ route_id: 'openai', input }));
  expect(JSON.stringify(on.wire.requests.at(-1)?.body.input)).toContain('https://example.com/cat.png');
});
