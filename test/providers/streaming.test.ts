/** What a provider streams becomes events, usage and money. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { story } from '../support/events.ts';
import { WIRES, wireRoute } from '../wire/collect.ts';
import { type OnWire, ofType, openOnWire, textOf } from './on-wire.ts';

/** USD per million tokens. */
const PRICE = { input: 2, cached_input: 0.5, output: 10 };
const CREDITS_PER_USD = 1_000;
/** Far above `CHUNK_EVERY_MS`, and still below what a run takes whose five chunks come so. */
const IDLE_TIMEOUT_S = 3;
const CHUNK_EVERY_MS = 900;

let on: OnWire;
beforeAll(async () => {
  on = await openOnWire((url) => [
    ...WIRES.map((wire) => wireRoute(wire, url, { price: PRICE })),
    ...WIRES.map((wire) => wireRoute(wire, url, { id: `${wire}-unpriced` })),
    wireRoute('openai', url, { id: 'one-price', price: { input: 2, output: 10 } }),
    wireRoute('openai', url, { id: 'one-at-a-time', max_concurrency: 1, idle_timeout_s: IDLE_TIMEOUT_S }),
  ]);
});
afterAll(async () => {
  await on.close();
});

describe.each(WIRES)('a run on the %s wire', (wire) => {
  it('streams reasoning and text, and completes with the usage the provider reported', async () => {
    const usage = { input: 1_000, cached: 400, output: 50, reasoning: 20 };
    on.wire.script(wire, [{ reasoning: ['Let me', ' think.'], text: ['Hel', 'lo, ', 'wörld 👋'], usage }]);
    const id = await on.run({ route_id: wire, input: 'Greet me.' });
    const events = await on.finish(id);
    expect(story(events)).toEqual([
      'run.started',
      'turn.started',
      'reasoning.delta',
      'message.delta',
      'message.completed',
      'run.completed',
    ]);
    expect(textOf(events, 'reasoning.delta')).toBe('Let me think.');
    expect(ofType(events, 'message.delta').map((event) => event.data.content)).toEqual(['Hel', 'lo, ', 'wörld 👋']);
    const tokens = { input_tokens: 1_000, cached_input_tokens: 400, output_tokens: 50, reasoning_tokens: 20 };
    const [message] = ofType(events, 'message.completed');
    expect(message?.data).toMatchObject({ content: 'Hello, wörld 👋', finish_reason: 'stop', turn: 1, usage: tokens });
    const cost = (600 * PRICE.input + 400 * PRICE.cached_input + 50 * PRICE.output) / 1e6;
    expect(events.at(-1)?.data).toMatchObject({
      output: 'Hello, wörld 👋',
      message_id: message?.data.message_id,
      usage: tokens,
    });
    expect(events.at(-1)?.data.cost_usd).toBeCloseTo(cost, 9);
    const details = await on.details(id);
    expect(details).toMatchObject({ total_input_tokens: 1_000, total_output_tokens: 50, cache_hit_rate: 0.4 });
    expect(details.total_cost_usd).toBeCloseTo(cost, 9);
    expect(details.credits_used).toBeCloseTo(cost * CREDITS_PER_USD, 6);
  });

  it('has no cost and no credits without a price', async () => {
    on.wire.script(wire, [{ text: ['Free?'], usage: { input: 10, output: 5 } }]);
    const id = await on.run({ route_id: `${wire}-unpriced`, input: 'x' });
    const events = await on.finish(id);
    expect(events.at(-1)?.data).toMatchObject({ cost_usd: null });
    expect(await on.details(id)).toMatchObject({ total_cost_usd: null, credits_used: null, cache_hit_rate: 0 });
  });

  it('estimates the tokens of a provider that says nothing of them, and says so', async () => {
    on.wire.script(wire, [{ text: ['12345678'], usage: null }]);
    const events = await on.finish(await on.run({ route_id: wire, input: 'abcd' }));
    const [message] = ofType(events, 'message.completed');
    expect(message?.data.usage).toMatchObject({ output_tokens: 2, estimated: true });
  });

  it('keeps an answer that was cut at the token limit, with finish_reason length', async () => {
    on.wire.script(wire, [{ text: ['as far as it', ' goes'], finish: 'length' }]);
    const events = await on.finish(await on.run({ route_id: wire, input: 'x' }));
    expect(ofType(events, 'message.completed')[0]?.data).toMatchObject({ finish_reason: 'length' });
    expect(events.at(-1)).toMatchObject({ type: 'run.completed', data: { output: 'as far as it goes' } });
  });

  it('completes with an empty answer', async () => {
    on.wire.script(wire, [{ usage: { input: 7, output: 1 } }]);
    const events = await on.finish(await on.run({ route_id: wire, input: 'Say nothing.' }));
    expect(events.at(-1)).toMatchObject({ type: 'run.completed', data: { output: '' } });
  });

  it('loses no chunk of a fast, long answer', async () => {
    const words = Array.from({ length: 2_000 }, (_, i) => `word${i} `);
    on.wire.script(wire, [{ text: words }]);
    const events = await on.finish(await on.run({ route_id: wire, input: 'x' }));
    expect(ofType(events, 'message.delta').map((event) => event.data.content)).toEqual(words);
    expect(events.at(-1)?.data.output).toBe(words.join(''));
  });
});

it('charges cached tokens as input where there is no price for them', async () => {
  on.wire.script('openai', [{ text: ['x'], usage: { input: 1_000, cached: 400, output: 100 } }]);
  const id = await on.run({ route_id: 'one-price', input: 'x' });
  await on.finish(id);
  expect((await on.details(id)).total_cost_usd).toBeCloseTo(0.003, 9);
});

it('says that the cost is unknown, not 0, while a run on a route without a price is under way', async () => {
  on.wire.script('openai', [{ text: ['so far'], fault: 'silent' }]);
  const id = await on.run({ route_id: 'openai-unpriced', input: 'x' });
  await on.until(id, 'message.delta');
  expect(await on.details(id)).toMatchObject({ total_cost_usd: null, credits_used: null });
  await on.stack.send('POST', `/v1/runs/${id}:cancel`);
  expect((await on.finish(id)).at(-1)?.data).toMatchObject({ cost_usd: null });
});

it('runs many streams at once, each with its own text', async () => {
  on.wire.script('openai', (request) => ({
    text: [...JSON.stringify(request.body.input).matchAll(/n\d+/g)].map((it) => it[0]),
    delayMs: 20,
  }));
  const ids = await Promise.all(Array.from({ length: 20 }, (_, i) => on.run({ route_id: 'openai', input: `n${i}` })));
  const outputs = await Promise.all(ids.map(async (id) => (await on.finish(id)).at(-1)?.data.output));
  expect(outputs).toEqual(ids.map((_, i) => `n${i}`));
});

it('keeps to max_concurrency: the next run waits for its turn, and that is no silence of the provider', async () => {
  let open = 0;
  let most = 0;
  on.wire.script('openai', (request, index) => {
    most = Math.max(most, ++open);
    void request.closed.then(() => open--);
    // The first alone has to be slow: the other one waits for its turn meanwhile.
    return { text: ['a', 'b', 'c', 'd', 'e'], ...(index === 0 ? { delayMs: CHUNK_EVERY_MS } : {}) };
  });
  const ids = await Promise.all([1, 2].map((n) => on.run({ route_id: 'one-at-a-time', input: `${n}` })));
  for (const id of ids) {
    const events = await on.finish(id);
    expect(ofType(events, 'turn.started')).toHaveLength(1);
    expect(events.at(-1)?.data.output).toBe('abcde');
  }
  expect(most).toBe(1);
});
