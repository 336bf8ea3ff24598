import { LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, say, WIRES, wireRoute } from '../../test/wire/collect.ts';
import { type Reply, startWire, type WireServer } from '../../test/wire/server.ts';
import { openModels } from './open-models.ts';
import type { Models, Route } from './types.ts';

const TOOLS = [{ name: 'files/read', description: 'Reads a file.', parameters: { type: 'object', properties: {} } }];
const signal = () => new AbortController().signal;

describe('a server that imitates the providers (aimock)', () => {
  const mock = new LLMock({ port: 0 });
  let models: Models;
  beforeAll(async () => {
    mock.onMessage('hello', { content: 'Hello from the mock, word by word.' });
    mock.onMessage('read it', { toolCalls: [{ name: 'files_read', arguments: '{"path":"a.txt"}' }] });
    await mock.start();
    models = await openModels(WIRES.map((it) => wireRoute(it, `${mock.url}/v1`)));
  });
  afterAll(() => mock.stop());

  it.each(WIRES)('%s answers with text', async (provider) => {
    const { text, finish, error, parts } = await collect(
      models.stream(models.route(provider) as Route, say('hello'), signal()),
    );
    expect(error).toBeUndefined();
    expect(text).toBe('Hello from the mock, word by word.');
    expect(finish?.finish_reason).toBe('stop');
    expect(parts.at(-1)).toBe(finish);
  });

  it.each(WIRES)('%s calls a tool', async (provider) => {
    const request = say('read it', { tools: TOOLS });
    const { calls, finish } = await collect(models.stream(models.route(provider) as Route, request, signal()));
    expect(calls).toMatchObject([{ name: 'files/read', arguments: { path: 'a.txt' } }]);
    expect(calls[0]?.provider_call_id).toMatch(/./);
    expect(finish?.finish_reason).toBe('tool_calls');
  });
});

describe.each(WIRES)('%s', (provider) => {
  let wire: WireServer;
  let models: Models;
  beforeAll(async () => {
    wire = await startWire();
    models = await openModels([wireRoute(provider, wire.url)]);
  });
  afterAll(() => wire.close());
  const answer = (reply: Reply) => {
    wire.script(provider, [reply]);
    const request = say('a question of some words', { system: 'Be brief.', tools: TOOLS });
    return collect(models.stream(models.route(provider) as Route, request, signal()));
  };

  it('reasoning, text and parallel calls come in order, the finish last', async () => {
    const { parts } = await answer({
      reasoning: ['Let me ', 'see.'],
      text: ['I ', 'look.'],
      toolCalls: [
        { id: 'one', name: 'files_read', arguments: { path: 'a' } },
        { id: 'two', name: 'files_read', arguments: { path: 'b' } },
      ],
      usage: { input: 100, cached: 40, output: 20, reasoning: 7 },
    });
    expect(parts).toEqual([
      { type: 'reasoning', text: 'Let me ' },
      { type: 'reasoning', text: 'see.' },
      { type: 'text', text: 'I ' },
      { type: 'text', text: 'look.' },
      { type: 'tool_call', provider_call_id: 'one', name: 'files/read', arguments: { path: 'a' } },
      { type: 'tool_call', provider_call_id: 'two', name: 'files/read', arguments: { path: 'b' } },
      {
        type: 'finish',
        finish_reason: 'tool_calls',
        usage: { input_tokens: 100, cached_input_tokens: 40, output_tokens: 20, reasoning_tokens: 7 },
      },
    ]);
  });

  it.each(['length', 'content_filter', 'stop'] as const)('finish reason %s', async (finish) => {
    expect((await answer({ text: ['Hi'], finish })).finish?.finish_reason).toBe(finish);
  });

  it('arguments that are not JSON are handed over as they came', async () => {
    const { calls, error } = await answer({ toolCalls: [{ id: 'one', name: 'files_read', arguments: '{"path": "a' }] });
    expect(error).toBeUndefined();
    expect(calls).toEqual([
      { type: 'tool_call', provider_call_id: 'one', name: 'files/read', arguments: {}, invalid: '{"path": "a' },
    ]);
  });

  it('a call without arguments has none', async () => {
    expect((await answer({ toolCalls: [{ name: 'files_read', arguments: '' }] })).calls).toMatchObject([
      { arguments: {} },
    ]);
  });

  it('usage the provider kept to itself is estimated from the characters', async () => {
    const { finish } = await answer({ text: ['x'.repeat(40)], usage: null });
    expect(finish?.usage).toMatchObject({
      output_tokens: 10,
      cached_input_tokens: 0,
      reasoning_tokens: 0,
      estimated: true,
    });
    expect(finish?.usage.input_tokens).toBeGreaterThan(8);
    expect((await answer({ text: ['x'] })).finish?.usage).not.toHaveProperty('estimated');
  });

  it('ten thousand chunks arrive whole', async () => {
    const text = Array.from({ length: 10_000 }, (_, n) => `${n} `);
    expect((await answer({ text })).text).toBe(text.join(''));
  });
});
