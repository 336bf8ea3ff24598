import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, WIRES, wireRoute } from '../../test/wire/collect.ts';
import type { Wire } from '../../test/wire/reply.ts';
import { startWire, type WireServer } from '../../test/wire/server.ts';
import { openModels } from './open-models.ts';
import type { Models, PromptMessage, Route } from './types.ts';

let wire: WireServer;
let models: Models;

beforeAll(async () => {
  const reply = [{ text: ['ok'] }];
  wire = await startWire({ openai: reply, 'openai-compatible': reply, anthropic: reply });
  models = await openModels(WIRES.map((it) => wireRoute(it, wire.url)));
});
afterAll(() => wire.close());

/** The conversation as the provider receives it. */
async function sent(provider: Wire, messages: PromptMessage[], system = ''): Promise<unknown> {
  const request = { system, messages, tools: [] };
  const { error } = await collect(
    models.stream(models.route(provider) as Route, request, new AbortController().signal),
  );
  expect(error).toBeUndefined();
  const body = wire.requests.at(-1)?.body;
  return provider === 'openai' ? body?.input : body?.messages;
}

const user = (text: string): PromptMessage => ({ role: 'user', content: [{ type: 'text', text }] });
const assistant = (
  content: string,
  more: Partial<Extract<PromptMessage, { role: 'assistant' }>> = {},
): PromptMessage => ({
  role: 'assistant',
  content,
  tool_calls: [],
  ...more,
});

const EXCHANGE: PromptMessage[] = [
  user('read a and b'),
  assistant('', {
    tool_calls: [
      { call_id: 'call_a', name: 'files/read', arguments: { path: 'a' } },
      { call_id: 'call_b', name: 'files/read', arguments: { path: 'b' } },
    ],
  }),
  user('and be quick'),
  { role: 'tool', results: [{ call_id: 'call_b', name: 'files/read', output: 'no such file', is_error: true }] },
  { role: 'tool', results: [{ call_id: 'call_a', name: 'files/read', output: 'AAA', is_error: false }] },
];

describe('tool results follow their calls at once, whatever came between', () => {
  it('OpenAI Responses', async () => {
    expect(await sent('openai', EXCHANGE)).toMatchObject([
      { role: 'user' },
      { type: 'function_call', call_id: 'call_a', name: 'files_read', arguments: '{"path":"a"}' },
      { type: 'function_call', call_id: 'call_b', name: 'files_read', arguments: '{"path":"b"}' },
      { type: 'function_call_output', call_id: 'call_a', output: 'AAA' },
      { type: 'function_call_output', call_id: 'call_b', output: '{"error":"no such file"}' },
      { role: 'user', content: [{ text: 'and be quick' }] },
    ]);
  });

  it('chat completions', async () => {
    const call = (id: string, path: string) => ({
      id,
      type: 'function',
      function: { name: 'files_read', arguments: JSON.stringify({ path }) },
    });
    expect(await sent('openai-compatible', EXCHANGE)).toEqual([
      { role: 'user', content: 'read a and b' },
      { role: 'assistant', content: null, tool_calls: [call('call_a', 'a'), call('call_b', 'b')] },
      { role: 'tool', tool_call_id: 'call_a', content: 'AAA' },
      { role: 'tool', tool_call_id: 'call_b', content: 'no such file' },
      { role: 'user', content: 'and be quick' },
    ]);
  });

  it('Anthropic, in one user message with what the user said', async () => {
    expect(await sent('anthropic', EXCHANGE)).toMatchObject([
      { role: 'user', content: [{ type: 'text', text: 'read a and b' }] },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'call_a', name: 'files_read', input: { path: 'a' } },
          { type: 'tool_use', id: 'call_b', name: 'files_read', input: { path: 'b' } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'call_a', content: 'AAA' },
          { type: 'tool_result', tool_use_id: 'call_b', content: 'no such file', is_error: true },
          { type: 'text', text: 'and be quick' },
        ],
      },
    ]);
  });
});

describe.each(WIRES)('%s', (provider) => {
  it('a call without a result is closed, a result without its call is left out', async () => {
    const text = JSON.stringify(
      await sent(provider, [
        { role: 'tool', results: [{ call_id: 'call_lost', name: 'x', output: 'orphan', is_error: false }] },
        user('go'),
        assistant('Looking.', { tool_calls: [{ call_id: 'call_open', name: 'x', arguments: {} }] }),
        user('never mind'),
      ]),
    );
    expect(text).not.toContain('orphan');
    expect(text).toMatch(/call_open.*call_open.*cancelled before it had a result/);
  });

  it('an incomplete answer is marked as cut off', async () => {
    const messages = [user('tell me'), assistant('Once upon', { incomplete: true }), user('go on')];
    expect(JSON.stringify(await sent(provider, messages))).toContain('"Once upon [cut off]"');
  });

  it('empty texts are not sent', async () => {
    const messages = [user('one'), assistant(''), user(''), user('two')];
    const json = JSON.stringify(await sent(provider, messages));
    expect(json).not.toMatch(/""/);
    expect(json).not.toContain('"assistant"');
  });

  it('arguments that are no object arrive inside one', async () => {
    const json = JSON.stringify(
      await sent(provider, [
        user('go'),
        assistant('', { tool_calls: [{ call_id: 'call_a', name: 'x', arguments: 'not json' }] }),
        { role: 'tool', results: [{ call_id: 'call_a', name: 'x', output: 'bad', is_error: true }] },
      ]),
    );
    expect(json.replaceAll('\\', '')).toContain('{"arguments":"not json"}');
  });

  it('a request without instructions or messages gets one opening message', async () => {
    expect(JSON.stringify(await sent(provider, []))).toContain('Begin.');
  });
});

it('instructions alone are sent alone where the provider takes that', async () => {
  expect(await sent('openai', [], 'Greet.')).toEqual([{ role: 'system', content: 'Greet.' }]);
  expect(await sent('openai-compatible', [], 'Greet.')).toEqual([{ role: 'system', content: 'Greet.' }]);
  expect(await sent('anthropic', [], 'Greet.')).toMatchObject([{ role: 'user', content: [{ text: 'Begin.' }] }]);
});

it('a conversation with Anthropic begins and ends with the user', async () => {
  expect(await sent('anthropic', [assistant('Welcome.'), user('Hi'), assistant('Hello.')])).toMatchObject([
    { role: 'user', content: [{ text: 'Begin.' }] },
    { role: 'assistant', content: [{ text: 'Welcome.' }] },
    { role: 'user', content: [{ text: 'Hi' }] },
    { role: 'assistant', content: [{ text: 'Hello.' }] },
    { role: 'user', content: [{ text: 'Continue.' }] },
  ]);
});
