import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { RunEvent } from '../client/run-event.ts';
import { createEventPrinter, type EventForm } from './print-events.ts';
import { written } from './test-terminal.ts';

const at = '2026-11-22T10:00:00.123Z';
const usage = { input_tokens: 10, cached_input_tokens: 0, output_tokens: 20 };
const ended = { usage, cost_usd: 0.5, duration_ms: 1500 };

/** One event of every type of the contract, with seqs 1, 2, 3 … */
const EVERY_TYPE = (
  [
    { type: 'run.started', data: { thread_id: 'thread_1', persona_id: 'assistant@1', model: 'demo' } },
    { type: 'turn.started', data: { turn: 1, model: 'demo', attempt: 1 } },
    { type: 'reasoning.delta', data: { message_id: 'msg_1', turn: 1, content: 'Hm.' } },
    { type: 'message.delta', data: { message_id: 'msg_1', turn: 1, content: 'Hel' } },
    { type: 'message.delta', data: { message_id: 'msg_1', turn: 1, content: 'lo\nyou' } },
    { type: 'message.reset', data: { message_id: 'msg_1', turn: 1, attempt: 2, reason: 'worker lost' } },
    {
      type: 'message.completed',
      data: { message_id: 'msg_2', turn: 1, content: 'x', finish_reason: 'tool_calls', usage },
    },
    { type: 'tool.call', data: { call_id: 'c', turn: 1, name: 'files/read', arguments: { path: 'a' } } },
    { type: 'tool.progress', data: { call_id: 'c', progress: 1 } },
    {
      type: 'tool.result',
      data: { call_id: 'c', name: 'files/read', status: 'ok', output: 'line\nline', duration_ms: 7 },
    },
    {
      type: 'run.waiting_for_input',
      data: { request_id: 'input_1', kind: 'approval', prompt: 'May I?', options: ['approve', 'deny'], expires_at: at },
    },
    { type: 'run.input_received', data: { request_id: 'input_1', kind: 'approval' } },
    { type: 'run.cancel_requested', data: { by: 'key_1' } },
    { type: 'run.completed', data: { output: 'x', message_id: 'msg_2', ...ended } },
    { type: 'run.failed', data: { error: { code: 'budget.exceeded', message: 'too much' }, ...ended } },
    { type: 'run.cancelled', data: { reason: 'asked', unfinished: ['c'], ...ended } },
  ] as const
).map((event, index) => ({ seq: index + 1, created_at: at, ...event }) as unknown as RunEvent);

async function printed(form: EventForm, events: RunEvent[], color = false): Promise<string> {
  const out = new PassThrough();
  const printer = createEventPrinter(out, form, color);
  for (const event of events) await printer.print(event);
  await printer.end();
  return written(out);
}

test('on a terminal every event type is shown, deltas run on as text', async () => {
  expect(await printed('inline', EVERY_TYPE)).toBe(
    `
     1  run.started            thread_1 · assistant@1 · demo
     2  turn.started           turn 1 · demo · attempt 1
     3  reasoning.delta        Hm.
     4  message.delta          Hello
                               you  (4–5)
     6  message.reset          turn 1 begins again · worker lost · attempt 2
     7  message.completed      turn 1 · tool_calls · 10 tokens in, 20 out
     8  tool.call              files/read({"path":"a"})
     9  tool.progress          {"call_id":"c","progress":1}
    10  tool.result            files/read · ok · 7 ms · line line
    11  run.waiting_for_input  approval · May I? · approve | deny
    12  run.input_received     approval · input_1
    13  run.cancel_requested   key_1
    14  run.completed          1.5 s · 10 tokens in, 20 out · $0.5
    15  run.failed             budget.exceeded: too much · 1.5 s · 10 tokens in, 20 out · $0.5
    16  run.cancelled          asked · could not be stopped: ["c"] · 1.5 s · 10 tokens in, 20 out · $0.5
`.slice(1),
  );
});

test('elsewhere an event is one JSON object a line, as it came', async () => {
  const lines = (await printed('json', EVERY_TYPE)).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual(EVERY_TYPE);
});

test('the form `lines` gives each delta its own', async () => {
  const lines = (await printed('lines', EVERY_TYPE)).trimEnd().split('\n');
  expect(lines).toHaveLength(EVERY_TYPE.length);
  expect(lines[4]).toBe('     5  message.delta          "lo\\nyou"');
});

test('colours are there only when asked for', async () => {
  expect(await printed('inline', EVERY_TYPE)).not.toContain('\x1b');
  expect(await printed('inline', EVERY_TYPE, true)).toContain('\x1b[');
});

test('text of a model cannot command the terminal', async () => {
  const evil = '\x1b]0;title\x07\x9b2J';
  const events = [
    { seq: 1, type: 'message.delta', data: { message_id: 'm', turn: 1, content: evil }, created_at: at },
    { seq: 2, type: 'tool.call', data: { call_id: 'c', turn: 1, name: evil, arguments: {} }, created_at: at },
    { seq: 3, type: evil, data: {}, created_at: at },
  ] as unknown as RunEvent[];
  for (const form of ['inline', 'lines'] as const) {
    expect((await printed(form, events)).replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  }
});

test('an event of a type that is not known here is shown with its data', async () => {
  const event = { seq: 1, type: 'run.paused', data: { by: 'x' }, created_at: at } as unknown as RunEvent;
  expect(await printed('inline', [event])).toBe('     1  run.paused             {"by":"x"}\n');
});
