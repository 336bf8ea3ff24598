/** Frames on their way to a client. */
import { expect, it } from 'vitest';
import type { RunEvent } from '../../../runs/dialect-types.ts';
import { storyStream } from './respond.ts';
import { RunStory } from './story.ts';
import { asks, call, completed, FACTS, started, tell } from './test-story.ts';

const event = (type: string, data: Record<string, unknown> = {}): RunEvent => ({ seq: 1, type, data, created_at: 0 });
const usage = { input_tokens: 1, output_tokens: 1 };

async function textOf(batches: RunEvent[][]): Promise<string> {
  const source = ReadableStream.from(batches) as ReadableStream<RunEvent[]>;
  return await new Response(storyStream(new RunStory(FACTS), [{ event: 'first', data: {} }], source)).text();
}

it('the opening comes first, and done is last', async () => {
  const text = await textOf([[event('run.started')], [event('run.completed', { usage })]]);
  const names = text.match(/^event: .*$/gm);
  expect(names).toEqual([
    'event: first',
    'event: thread.run.in_progress',
    'event: thread.run.completed',
    'event: done',
  ]);
  expect(text.endsWith('event: done\ndata: [DONE]\n\n')).toBe(true);
});

it('what follows the end of the story is not told', async () => {
  const text = await textOf([[event('run.completed', { usage }), event('run.started')]]);
  expect(text).not.toContain('in_progress');
});

it('events that show nothing are passed over without a word; a silence is kept alive by a comment without a blank line', async () => {
  const text = await textOf([[event('reasoning.delta')], [], [event('run.completed', { usage })]]);
  expect(text).toMatch(/^event: first\ndata: {}\n\n: ping\nevent: thread.run.completed\n/);
});

it('a source that ends before the story says so, as the SDKs read errors', async () => {
  const text = await textOf([[event('run.started')]]);
  const last = text.trimEnd().split('\n\n').at(-1) ?? '';
  expect(last).toMatch(/^event: error\ndata: /);
  expect(JSON.parse(last.split('data: ')[1] ?? '')).toMatchObject({ error: { type: 'server_error', code: null } });
});

it('a source that fails breaks the stream off, so that nobody takes it for whole', async () => {
  const source = new ReadableStream<RunEvent[]>({
    pull: (controller) => controller.error(new Error('the journal is gone')),
  });
  const stream = storyStream(new RunStory(FACTS), [], source);
  await expect(new Response(stream).text()).rejects.toThrow('the journal is gone');
});

it('a client that leaves lets go of the source', async () => {
  let left = false;
  const source = new ReadableStream<RunEvent[]>({
    cancel: () => {
      left = true;
    },
  });
  await storyStream(new RunStory(FACTS), [], source).cancel();
  expect(left).toBe(true);
});

it('a story that goes on after an answer is not ended by a silence before its first event', async () => {
  const { story } = tell([...started, completed(''), call('1'), asks('1', 'tool_outputs', ['1'])]);
  expect(story.over).toBe(true);
  const batches = [[], [event('run.input_received', { request_id: 'input_1' })], [event('run.completed', { usage })]];
  const source = ReadableStream.from(batches) as ReadableStream<RunEvent[]>;
  const text = await new Response(storyStream(story, [], source)).text();
  expect(text).toContain('event: thread.run.completed');
});
