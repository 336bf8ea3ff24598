/** Where a run goes when its route keeps failing, or is no longer there. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteConfig } from '../../src/models/types.ts';
import { openStack } from '../support/stack.ts';
import { wireRoute } from '../wire/collect.ts';
import { type Reply, startWire, type WireServer } from '../wire/server.ts';
import { type OnWire, ofType, onStack, openOnWire } from './on-wire.ts';
import { said, transcript } from './transcript.ts';

const GPT = 'gpt-4.1-mini';
const CLAUDE = 'claude-sonnet-4-5';
const DOWN: Reply = { http: { status: 503, body: { error: { message: 'Down.' } } } };
const ASK: Reply = { toolCalls: [{ name: 'ask_user', arguments: { question: 'Go on?' } }] };

describe('a route that keeps failing', () => {
  let on: OnWire;
  beforeAll(async () => {
    on = await openOnWire((url) => [
      wireRoute('openai', url, { retries: 1, fallback: 'anthropic', price: { input: 100, output: 100 } }),
      wireRoute('openai', url, { id: 'hasty', retries: 0, fallback: 'anthropic' }),
      wireRoute('anthropic', url, { retries: 0, fallback: 'last', price: { input: 1, output: 1 } }),
      wireRoute('openai-compatible', url, { id: 'last', model: 'llama', retries: 0, price: { input: 0, output: 0 } }),
    ]);
  });
  afterAll(async () => {
    await on.close();
  });

  const models = (events: { type: string; data: Record<string, unknown> }[]) =>
    events.filter((event) => event.type === 'turn.started').map((event) => [event.data.model, event.data.attempt]);

  it('hands the run to its fallback, which keeps it for the turns after', async () => {
    on.wire.script('openai', [DOWN]);
    on.wire.script('anthropic', (_, index) => (index === 0 ? ASK : { text: ['On Claude.'] }));
    const first = on.wire.requests.length;
    const id = await on.run({ route_id: 'openai', input: 'x' });
    await on.until(id, 'run.waiting_for_input');
    expect((await on.details(id)).model).toBe(CLAUDE);
    await on.answer(id, { content: 'yes' });
    const events = await on.finish(id);
    expect(ofType(events, 'run.started')[0]?.data.model).toBe(GPT);
    expect(models(events)).toEqual([
      [GPT, 1],
      [GPT, 2],
      [CLAUDE, 3],
      [CLAUDE, 1],
    ]);
    expect(events.at(-1)?.data.output).toBe('On Claude.');
    const wires = on.wire.requests.slice(first).map((request) => request.wire);
    expect(wires).toEqual(['openai', 'openai', 'anthropic', 'anthropic']);
    expect((await on.details(id)).model).toBe(CLAUDE);
  });

  it('goes down a chain of fallbacks, and fails with the last one’s error', async () => {
    for (const wire of ['openai', 'anthropic'] as const) on.wire.script(wire, [DOWN]);
    on.wire.script('openai-compatible', [
      { http: { status: 500, body: { error: { message: 'The last one, too.' } } } },
    ]);
    const id = await on.run({ route_id: 'openai', input: 'x' });
    const events = await on.finish(id);
    expect(models(events).map(([model]) => model)).toEqual([GPT, GPT, CLAUDE, 'llama']);
    expect(events.at(-1)?.data.error).toEqual({ code: 'provider.unavailable', message: 'The last one, too.' });
  });

  it('prices each attempt by the route that it ran on', async () => {
    on.wire.script('openai', [DOWN]);
    on.wire.script('anthropic', [{ text: ['x'], usage: { input: 1_000, output: 1_000 } }]);
    const id = await on.run({ route_id: 'openai', input: 'x' });
    await on.finish(id);
    expect((await on.details(id)).total_cost_usd).toBeCloseTo(0.002, 9);
  });

  it('does not make the fallback wait for the Retry-After of the route that failed', async () => {
    on.wire.script('openai', [{ http: { status: 429, headers: { 'retry-after': '60' }, body: {} } }]);
    on.wire.script('anthropic', [{ text: ['At once.'] }]);
    const started = performance.now();
    const events = await on.finish(await on.run({ route_id: 'hasty', input: 'x' }));
    expect(events.at(-1)?.data.output).toBe('At once.');
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  it('is not left for its fallback when the request itself is refused', async () => {
    on.wire.script('openai', [{ http: { status: 400, body: { error: { message: 'No such parameter.' } } } }]);
    on.wire.script('anthropic', [{ text: ['x'] }]);
    const first = on.wire.requests.length;
    const events = await on.finish(await on.run({ route_id: 'openai', input: 'x' }));
    expect(events.at(-1)?.data.error).toEqual({ code: 'provider.bad_request', message: 'No such parameter.' });
    expect(on.wire.requests.length - first).toBe(1);
  });

  it('leaves nothing of the void answer in what the fallback is told', async () => {
    on.wire.script('openai', [{ text: ['half'], fault: 'cut' }]);
    on.wire.script('anthropic', [{ text: ['whole'] }]);
    await on.finish(await on.run({ route_id: 'openai', input: 'Question?', instructions: 'Short.' }));
    const told = on.wire.requests.findLast((request) => request.wire === 'anthropic');
    expect(told && said(transcript(told))).toEqual(['system Short.', 'user Question?']);
  });
});

describe('a route that is removed while a run waits', () => {
  let wire: WireServer;
  beforeAll(async () => {
    wire = await startWire({ openai: [ASK], anthropic: [{ text: ['Carried on.'] }] });
  });
  afterAll(async () => {
    await wire.close();
  });

  /** Runs to the question on `before`, reopens with `after`, answers, and gives the run's events. */
  async function acrossRestart(before: RouteConfig[], after: RouteConfig[]) {
    const earlier = onStack(await openStack({ routes: before }));
    const id = await earlier.run({ route_id: 'openai', input: 'Shall we?' });
    await earlier.until(id, 'run.waiting_for_input');
    const { dataDir, taskQueue } = earlier.stack.config;
    await earlier.stack.close({ keep: true });
    const later = onStack(await openStack({ routes: after, dataDir, taskQueue }));
    try {
      await later.answer(id, { content: 'yes' });
      return { events: await later.finish(id), details: await later.details(id) };
    } finally {
      await later.stack.close();
      rmSync(dataDir, { recursive: true, force: true });
    }
  }

  it('gives the run to its fallback', async () => {
    const openai = wireRoute('openai', wire.url, { fallback: 'anthropic' });
    const anthropic = wireRoute('anthropic', wire.url);
    const { events, details } = await acrossRestart([openai, anthropic], [anthropic]);
    expect(ofType(events, 'turn.started').map((event) => event.data.model)).toEqual([GPT, CLAUDE]);
    expect(events.at(-1)).toMatchObject({ type: 'run.completed', data: { output: 'Carried on.' } });
    expect(details.model).toBe(CLAUDE);
  });

  it('fails the run when it has no fallback', async () => {
    const { events } = await acrossRestart([wireRoute('openai', wire.url)], [{ id: 'demo', provider: 'demo' }]);
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', data: { error: { code: 'routes.not_found' } } });
  });

  it('fails the run when its fallback was removed, too', async () => {
    const openai = wireRoute('openai', wire.url, { fallback: 'anthropic' });
    const { events } = await acrossRestart(
      [openai, wireRoute('anthropic', wire.url)],
      [{ id: 'demo', provider: 'demo' }],
    );
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', data: { error: { code: 'routes.not_found' } } });
  });
});
