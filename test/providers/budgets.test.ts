/** A run's budget: what it tells the provider, when it stops a run, and what a person can do about it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsUntil, story } from '../support/events.ts';
import { WIRES, wireRoute } from '../wire/collect.ts';
import type { Reply } from '../wire/server.ts';
import { type OnWire, ofType, openOnWire } from './on-wire.ts';
import { outputCap } from './transcript.ts';

const ASK: Reply = {
  toolCalls: [{ name: 'ask_user', arguments: { question: 'Go on?' } }],
  usage: { input: 30, output: 20 },
};
const ANSWER: Reply = { text: ['Done.'], usage: { input: 10, output: 5 } };

let on: OnWire;
beforeAll(async () => {
  on = await openOnWire((url) => [
    ...WIRES.map((wire) => wireRoute(wire, url)),
    wireRoute('openai', url, { id: 'priced', price: { input: 10, output: 100 } }),
  ]);
});
afterAll(async () => {
  await on.close();
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

describe('timeout_s', () => {
  it('cuts a model that is silent, and says that the budget is spent', async () => {
    on.wire.script('openai', [{ text: ['Hm'], fault: 'silent' }]);
    const started = performance.now();
    const { id, first } = await within({ timeout_s: 1 });
    const events = await on.finish(id);
    const took = performance.now() - started;
    expect(events.at(-1)?.data.error).toMatchObject({ code: 'budget.exceeded' });
    expect(story(events)).toEqual(['run.started', 'turn.started', 'message.delta', 'run.failed']);
    expect(took).toBeGreaterThanOrEqual(990);
    expect(took).toBeLessThan(2_500);
    const [request] = requestsSince(first);
    await request?.closed;
    expect(request?.completed).toBe(false);
  });

  it('is met once: no second attempt begins in its last millisecond', async () => {
    on.wire.script('openai', [{ fault: 'silent' }]);
    const first = on.wire.requests.length;
    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        on.run({ route_id: 'openai', input: 'x', budget: { timeout_s: 0.5 + i / 100 } }),
      ),
    );
    for (const id of ids) {
      expect(story(await on.finish(id))).toEqual(['run.started', 'turn.started', 'run.failed']);
    }
    expect(requestsSince(first)).toHaveLength(ids.length);
  });

  it('ends a run that waits for a provider’s Retry-After', async () => {
    on.wire.script('openai', [{ http: { status: 429, headers: { 'retry-after': '6' } } }, ANSWER]);
    const started = performance.now();
    const { id } = await within({ timeout_s: 1 });
    const events = await on.finish(id);
    expect(events.at(-1)?.data.error).toMatchObject({ code: 'budget.exceeded' });
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it('does not run while the run waits for its human', async () => {
    on.wire.script('openai', [ASK, ANSWER]);
    const { id } = await within({ timeout_s: 1.5 });
    await on.until(id, 'run.waiting_for_input');
    await new Promise((resolve) => setTimeout(resolve, 1_700));
    await on.answer(id, { content: 'yes' });
    expect((await on.finish(id)).at(-1)?.type).toBe('run.completed');
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

  it('asks when the deadline cut the model, and tries the turn again after `raise`', async () => {
    on.wire.script('openai', [{ text: ['Hm'], fault: 'silent' }, ANSWER]);
    const { id } = await within({ timeout_s: 1, on_exceeded: 'ask' });
    const request = await on.until(id, 'run.waiting_for_input');
    expect(request.data).toMatchObject({ kind: 'budget' });
    await on.answer(id, { content: 'raise {"timeout_s": 30}' });
    const events = await on.finish(id);
    expect(events.at(-1)).toMatchObject({ type: 'run.completed', data: { output: 'Done.' } });
    expect(ofType(events, 'message.reset').map((event) => event.data.reason)).toEqual(['deadline']);
  });
});
