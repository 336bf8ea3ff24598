/** A run's budget: what it tells the provider, when it stops a run, and what a person can do about it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsUntil, story } from '../support/events.ts';
import { WIRES, wireRoute } from '../wire/collect.ts';
import { type Reply, startWire, type WireServer } from '../wire/server.ts';
import { type OnWire, ofType, openOnWire } from './on-wire.ts';
import { outputCap } from './transcript.ts';

const ASK: Reply = {
  toolCalls: [{ name: 'ask_user', arguments: { question: 'Go on?' } }],
  usage: { input: 30, output: 20 },
};
const ANSWER: Reply = { text: ['Done.'], usage: { input: 10, output: 5 } };

/** Enough for a busy machine to come to what the time is to cut. */
const TIMEOUT_S = 4;
/** Nothing else ends these runs as soon: a silent provider is left after 60 s, and Retry-After says as much. */
const CUT_WITHIN_MS = 20_000;
/** The tests of time wait at once, so each has a wire of its own, and the route of this name to it. */
const TIMED = ['silent', 'many', 'retry-after', 'human', 'ask'] as const;

let timed: Record<(typeof TIMED)[number], WireServer>;
let on: OnWire;
beforeAll(async () => {
  const wires = await Promise.all(TIMED.map(async (name) => [name, await startWire()] as const));
  timed = Object.fromEntries(wires) as typeof timed;
  on = await openOnWire((url) => [
    ...WIRES.map((wire) => wireRoute(wire, url)),
    wireRoute('openai', url, { id: 'priced', price: { input: 10, output: 100 } }),
    ...TIMED.map((name) => wireRoute('openai', timed[name].url, { id: name })),
  ]);
});
afterAll(async () => {
  await on.close();
  for (const wire of Object.values(timed)) await wire.close();
});

const requestsSince = (first: number) => on.wire.requests.slice(first);

/** A run with a budget, and how many requests the wire had seen before it. */
async function within(budget: object, route = 'openai') {
  const first = on.wire.requests.length;
  const id = await on.run({ route_id: route, input: 'x', budget });
  return { id, first };
}

describe.each(WIRES)('max_tokens on the %s wire', (wire) => {
  it('caps each step’s output by what is left', async () => {
    on.wire.script(wire, [ASK, ANSWER]);
    const { id, first } = await within({ max_tokens: 150 }, wire);
    await on.until(id, 'run.waiting_for_input');
    await on.answer(id, { content: 'yes' });
    expect((await on.finish(id)).at(-1)?.type).toBe('run.completed');
    expect(requestsSince(first).map(outputCap)).toEqual([150, 100]);
  });
});

it('max_cost_usd caps each step’s output by what it may still cost', async () => {
  on.wire.script('openai', [ASK, ANSWER]);
  const { id, first } = await within({ max_cost_usd: 0.01 }, 'priced');
  await on.until(id, 'run.waiting_for_input');
  await on.answer(id, { content: 'yes' });
  await on.finish(id);
  // 0.01 USD at 100 USD per million; then 30 × 10 + 20 × 100 = 2,300 of 10,000 millionths are spent.
  expect(requestsSince(first).map(outputCap)).toEqual([100, 77]);
});

it.each([
  ['max_tokens', { max_tokens: 50 }],
  ['max_turns', { max_turns: 1 }],
  ['max_cost_usd', { max_cost_usd: 0.002 }],
])('%s stops the run before the step that would pass it', async (limit, budget) => {
  on.wire.script('openai', [ASK, ANSWER]);
  const { id, first } = await within(budget, 'priced');
  await on.until(id, 'run.waiting_for_input');
  await on.answer(id, { content: 'yes' });
  const events = await on.finish(id);
  const error = { code: 'budget.exceeded', message: expect.stringContaining(limit) };
  expect(events.at(-1)).toMatchObject({ type: 'run.failed', data: { error } });
  expect(requestsSince(first)).toHaveLength(1);
});

it('a void attempt counts: what it said is spent', async () => {
  on.wire.script('openai', [{ text: ['x'.repeat(400)], fault: 'cut' }, ANSWER]);
  const { id, first } = await within({ max_tokens: 100 });
  const events = await on.finish(id);
  expect(events.at(-1)?.data.error).toMatchObject({ code: 'budget.exceeded' });
  expect(requestsSince(first)).toHaveLength(1);
});

describe.concurrent('timeout_s', () => {
  it('cuts a model that is silent, and says that the budget is spent', async () => {
    timed.silent.script('openai', [{ text: ['Hm'], fault: 'silent' }]);
    const started = performance.now();
    const { id } = await within({ timeout_s: TIMEOUT_S }, 'silent');
    const events = await on.finish(id);
    const took = performance.now() - started;
    expect(events.at(-1)?.data.error).toMatchObject({ code: 'budget.exceeded' });
    expect(story(events)).toEqual(['run.started', 'turn.started', 'message.delta', 'run.failed']);
    expect(took).toBeGreaterThanOrEqual(TIMEOUT_S * 1_000 - 10);
    expect(took).toBeLessThan(CUT_WITHIN_MS);
    const [request] = timed.silent.requests;
    await request?.closed;
    expect(request?.completed).toBe(false);
  });

  it('is met once: no second attempt begins in its last millisecond', async () => {
    timed.many.script('openai', [{ fault: 'silent' }]);
    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        on.run({ route_id: 'many', input: 'x', budget: { timeout_s: TIMEOUT_S + i / 100 } }),
      ),
    );
    for (const id of ids) {
      expect(story(await on.finish(id))).toEqual(['run.started', 'turn.started', 'run.failed']);
    }
    expect(timed.many.requests).toHaveLength(ids.length);
  });

  it('ends a run that waits for a provider’s Retry-After', async () => {
    timed['retry-after'].script('openai', [{ http: { status: 429, headers: { 'retry-after': '60' } } }, ANSWER]);
    const started = performance.now();
    const { id } = await within({ timeout_s: TIMEOUT_S }, 'retry-after');
    const events = await on.finish(id);
    expect(events.at(-1)?.data.error).toMatchObject({ code: 'budget.exceeded' });
    expect(performance.now() - started).toBeLessThan(CUT_WITHIN_MS);
  });

  it('does not run while the run waits for its human', async () => {
    timed.human.script('openai', [ASK, ANSWER]);
    const { id } = await within({ timeout_s: TIMEOUT_S }, 'human');
    await on.until(id, 'run.waiting_for_input');
    await new Promise((resolve) => setTimeout(resolve, TIMEOUT_S * 1_000 + 200));
    await on.answer(id, { content: 'yes' });
    expect((await on.finish(id)).at(-1)?.type).toBe('run.completed');
  });

  it('with on_exceeded: ask asks when it cut the model, and tries the turn again after `raise`', async () => {
    timed.ask.script('openai', [{ text: ['Hm'], fault: 'silent' }, ANSWER]);
    const { id } = await within({ timeout_s: TIMEOUT_S, on_exceeded: 'ask' }, 'ask');
    const request = await on.until(id, 'run.waiting_for_input');
    expect(request.data).toMatchObject({ kind: 'budget' });
    await on.answer(id, { content: 'raise {"timeout_s": 60}' });
    const events = await on.finish(id);
    expect(events.at(-1)).toMatchObject({ type: 'run.completed', data: { output: 'Done.' } });
    expect(ofType(events, 'message.reset').map((event) => event.data.reason)).toEqual(['deadline']);
  });
});

describe('on_exceeded: ask', () => {
  async function askedFor(budget: object) {
    on.wire.script('openai', [ASK, ANSWER]);
    const first = on.wire.requests.length;
    const id = await on.run({ route_id: 'openai', input: 'x', budget: { ...budget, on_exceeded: 'ask' } });
    const question = await on.until(id, 'run.waiting_for_input');
    await on.answer(id, { content: 'yes' });
    const events = await eventsUntil(on.stack, id, (event) => event.data.kind === 'budget', question.seq + 1);
    return { id, first, request: events.at(-1) };
  }

  it('asks, and goes on with twice the limit after `raise`', async () => {
    const { id, first, request } = await askedFor({ max_turns: 1 });
    expect(request?.data).toMatchObject({ kind: 'budget', options: expect.arrayContaining(['stop', 'raise']) });
    expect((await on.details(id)).status).toBe('waiting_for_input');
    await on.answer(id, { content: 'raise' });
    const events = await on.finish(id);
    expect(events.at(-1)?.type).toBe('run.completed');
    expect(await on.details(id)).toMatchObject({ budget: { max_turns: 2 } });
    expect(requestsSince(first)).toHaveLength(2);
  });

  it('goes on with the limits that `raise {…}` names', async () => {
    const { id, first } = await askedFor({ max_tokens: 40 });
    await on.answer(id, { content: 'raise {"max_tokens": 200}' });
    expect((await on.finish(id)).at(-1)?.type).toBe('run.completed');
    expect(requestsSince(first).map(outputCap)).toEqual([40, 150]);
  });

  it('ends with budget.exceeded after `stop`', async () => {
    const { id, first } = await askedFor({ max_turns: 1 });
    await on.answer(id, { content: 'stop' });
    expect((await on.finish(id)).at(-1)?.data.error).toMatchObject({ code: 'budget.exceeded' });
    expect(requestsSince(first)).toHaveLength(1);
  });

  it('refuses an answer that is none, and stays open', async () => {
    const { id } = await askedFor({ max_turns: 1 });
    for (const content of ['more', 'raise {"max_tokens": -1}', 'raise {', 'raise {}']) {
      const refused = await on.stack.send('POST', `/v1/runs/${id}/input`, { body: { content } });
      expect([content, refused.status]).toEqual([content, 422]);
    }
    await on.answer(id, { content: 'raise' });
    expect((await on.finish(id)).at(-1)?.type).toBe('run.completed');
  });
});
