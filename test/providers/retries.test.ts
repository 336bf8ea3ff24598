/** A provider that fails: what is tried again, what is told of it, and what ends the run at once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SeenEvent } from '../support/events.ts';
import { story } from '../support/events.ts';
import { WIRES, wireRoute } from '../wire/collect.ts';
import { type Reply, startWire, type Wire, type WireServer } from '../wire/server.ts';
import { type OnWire, ofType, openOnWire, textOf } from './on-wire.ts';

/** More than a busy machine takes for the attempt that answers. */
const IDLE_TIMEOUT_S = 3;
/** The silence is counted from before the request has come to its provider: so much shorter may the provider find it. */
const EARLIER_MS = 1_000;
/** On a machine that is busy; what else would end the wait that a test is about takes 60 s. */
const SOON_MS = 20_000;
/** How a provider falls silent: in mid-answer, or before it answers. */
const FAULTS = ['silent', 'mute'] as const;
const ANSWER: Reply = { text: ['All', ' good.'], usage: { input: 10, output: 5 } };

const silences = WIRES.flatMap((wire) => FAULTS.map((fault) => ({ wire, fault })));

let on: OnWire;
let faulty: Record<(typeof FAULTS)[number], WireServer>;
beforeAll(async () => {
  faulty = { silent: await startWire(), mute: await startWire() };
  on = await openOnWire((url) => [
    ...WIRES.map((wire) => wireRoute(wire, url)),
    ...silences.map(({ wire, fault }) =>
      wireRoute(wire, faulty[fault].url, { id: `${wire}-${fault}`, idle_timeout_s: IDLE_TIMEOUT_S }),
    ),
    ...WIRES.map((wire) => wireRoute(wire, url, { id: `${wire}-once`, retries: 1 })),
    wireRoute('openai', url, { id: 'never', retries: 0 }),
  ]);
});
afterAll(async () => {
  await on.close();
  for (const server of Object.values(faulty)) await server.close();
});

/** Scripts the wire and notes when each request came. */
function script(wire: Wire, replies: Reply[]): number[] {
  const times: number[] = [];
  on.wire.script(wire, (_, index) => {
    times.push(performance.now());
    return replies[index] ?? replies.at(-1) ?? {};
  });
  return times;
}

const failing = (status: number, headers: Record<string, string> = {}): Reply => ({
  http: { status, headers, body: { error: { message: `Sorry, ${status}.`, type: 'some_error' } } },
});

/** That a run's first attempt was void and its second completed it. */
function expectSecondAttempt(events: SeenEvent[]): void {
  const starts = ofType(events, 'turn.started');
  expect(starts.map((event) => [event.data.turn, event.data.attempt])).toEqual([
    [1, 1],
    [1, 2],
  ]);
  const resets = ofType(events, 'message.reset');
  expect(resets.map((event) => event.data)).toMatchObject([{ turn: 1, attempt: 1, reason: 'provider_error' }]);
  const [completed] = ofType(events, 'message.completed');
  expect(completed?.data).toMatchObject({ content: 'All good.' });
  expect(completed?.data.message_id).not.toBe(resets[0]?.data.message_id);
  expect(events.at(-1)).toMatchObject({ type: 'run.completed', data: { output: 'All good.' } });
}

describe.each(WIRES)('on the %s wire', (wire) => {
  it('a 429 is tried again after the time that Retry-After says', async () => {
    const times = script(wire, [failing(429, { 'retry-after': '2' }), ANSWER]);
    const events = await on.finish(await on.run({ route_id: wire, input: 'x' }));
    expectSecondAttempt(events);
    expect(story(events)).toEqual([
      'run.started',
      'turn.started',
      'message.reset',
      'turn.started',
      'message.delta',
      'message.completed',
      'run.completed',
    ]);
    const waited = (times[1] ?? 0) - (times[0] ?? 0);
    expect(waited).toBeGreaterThanOrEqual(2_000);
    expect(waited).toBeLessThan(15_000);
  });

  it.each([500, 503, 529, 408])('a %i is tried again', async (status) => {
    const times = script(wire, [failing(status), ANSWER]);
    expectSecondAttempt(await on.finish(await on.run({ route_id: wire, input: 'x' })));
    expect(times).toHaveLength(2);
  });

  it('a request that the provider refused costs no tokens', async () => {
    script(wire, [failing(503), ANSWER]);
    const id = await on.run({ route_id: wire, input: 'A question of more than a few characters.' });
    await on.finish(id);
    expect(await on.details(id)).toMatchObject({ total_input_tokens: 10, total_output_tokens: 5 });
  });

  it.each(['cut', 'end'] as const)(
    'a stream that breaks off (%s) is void, counts, and is tried again',
    async (fault) => {
      script(wire, [{ text: ['Half ', 'an answer of 36 characters, or so.'], fault }, ANSWER]);
      const id = await on.run({ route_id: wire, input: 'x' });
      const events = await on.finish(id);
      expectSecondAttempt(events);
      const [reset] = ofType(events, 'message.reset');
      const voided = events.filter((event) => event.seq < (reset?.seq ?? 0));
      expect(textOf(voided)).toBe('Half an answer of 36 characters, or so.');
      expect(new Set(ofType(voided, 'message.delta').map((event) => event.data.message_id))).toEqual(
        new Set([reset?.data.message_id]),
      );
      expect(textOf(events.filter((event) => event.seq > (reset?.seq ?? 0)))).toBe('All good.');
      const details = await on.details(id);
      expect(details.total_output_tokens).toBe(5 + Math.ceil(39 / 4));
      expect(details.total_input_tokens).toBeGreaterThan(10);
    },
  );

  it('a connection that is reset before any text is tried again', async () => {
    script(wire, [{ fault: 'cut' }, ANSWER]);
    expectSecondAttempt(await on.finish(await on.run({ route_id: wire, input: 'x' })));
  });

  it('an error inside the stream is tried again when it may pass', async () => {
    script(wire, [{ text: ['Ha'], error: { type: 'overloaded_error', message: 'Too much.' } }, ANSWER]);
    expectSecondAttempt(await on.finish(await on.run({ route_id: wire, input: 'x' })));
  });

  it('a run fails with the provider’s code and message when its retries are spent', async () => {
    const times = script(wire, [failing(503)]);
    const id = await on.run({ route_id: `${wire}-once`, input: 'x' });
    const events = await on.finish(id);
    const error = { code: 'provider.unavailable', message: 'Sorry, 503.' };
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', data: { error } });
    expect(await on.details(id)).toMatchObject({ status: 'failed', error });
    expect(times).toHaveLength(2);
  });

  it.each([
    [400, 'provider.bad_request'],
    [401, 'provider.unauthorized'],
    [403, 'provider.forbidden'],
    [404, 'provider.not_found'],
  ])('a %i fails the run at once with the provider’s message', async (status, code) => {
    const times = script(wire, [failing(status), ANSWER]);
    const events = await on.finish(await on.run({ route_id: wire, input: 'x' }));
    expect(story(events)).toEqual(['run.started', 'turn.started', 'run.failed']);
    expect(events.at(-1)?.data.error).toEqual({ code, message: `Sorry, ${status}.` });
    expect(times).toHaveLength(1);
  });
});

// At once, each on a wire of its own: each waits for the whole of `idle_timeout_s`.
describe.concurrent('a provider that falls silent', () => {
  it.each(silences)('on the $wire wire ($fault) is left after idle_timeout_s', async ({ wire, fault }) => {
    let askedAt = 0;
    faulty[fault].script(wire, (_, index) => {
      if (index > 0) return ANSWER;
      askedAt = performance.now();
      return { text: fault === 'silent' ? ['Hm'] : [], fault };
    });
    expectSecondAttempt(await on.finish(await on.run({ route_id: `${wire}-${fault}`, input: 'x' })));
    const request = faulty[fault].requests.find((it) => it.wire === wire);
    const closedAfter = ((await request?.closed) ?? 0) - askedAt;
    expect(closedAfter).toBeGreaterThanOrEqual(IDLE_TIMEOUT_S * 1_000 - EARLIER_MS);
    expect(closedAfter).toBeLessThan(IDLE_TIMEOUT_S * 1_000 + SOON_MS);
  });
});

it('a route with retries 0 is asked once', async () => {
  const times = script('openai', [failing(500)]);
  expect((await on.finish(await on.run({ route_id: 'never', input: 'x' }))).at(-1)?.type).toBe('run.failed');
  expect(times).toHaveLength(1);
});

it('a later turn has its retries anew, and resets only its own message', async () => {
  const tools = [{ type: 'function', function: { name: 'look' } }];
  const calls: Reply = { text: ['First.'], toolCalls: [{ name: 'look', arguments: {} }] };
  script('openai', [failing(503), calls, failing(503), ANSWER]);
  const id = await on.run({ route_id: 'openai-once', input: 'x', tools });
  const waiting = await on.until(id, 'run.waiting_for_input');
  const [call] = waiting.data.tool_calls as { call_id: string }[];
  await on.answer(id, { tool_outputs: [{ call_id: call?.call_id, output: 'seen' }] });
  const events = await on.finish(id);
  expect(events.at(-1)?.type).toBe('run.completed');
  expect(ofType(events, 'message.reset').map((event) => [event.data.turn, event.data.attempt])).toEqual([
    [1, 1],
    [2, 1],
  ]);
});

it('the answer of the attempt that held is what the thread keeps', async () => {
  script('openai', [{ text: ['void'], fault: 'cut' }, ANSWER]);
  const id = await on.run({ route_id: 'openai', input: 'x' });
  await on.finish(id);
  const { thread_id } = await on.details(id);
  const messages = (await (await on.stack.send('GET', `/v1/threads/${thread_id}/messages`)).json()) as object[];
  expect(messages).toMatchObject([{ role: 'assistant', content: [{ text: 'All good.' }] }, { role: 'user' }]);
});

it('a run that waits out a Retry-After is cancelled at once', async () => {
  script('openai', [failing(429, { 'retry-after': '60' }), ANSWER]);
  const id = await on.run({ route_id: 'openai', input: 'x' });
  await on.until(id, 'turn.started');
  await new Promise((resolve) => setTimeout(resolve, 500));
  const started = performance.now();
  expect((await on.stack.send('POST', `/v1/runs/${id}:cancel`)).status).toBe(200);
  expect((await on.finish(id)).at(-1)?.type).toBe('run.cancelled');
  expect(performance.now() - started).toBeLessThan(SOON_MS);
});

it('a cancel closes the provider’s connection', async () => {
  const first = on.wire.requests.length;
  script('openai', [{ text: ['so far'], fault: 'silent' }]);
  const id = await on.run({ route_id: 'openai', input: 'x' });
  await on.until(id, 'message.delta');
  const started = performance.now();
  await on.stack.send('POST', `/v1/runs/${id}:cancel`);
  await on.finish(id);
  expect(((await on.wire.requests[first]?.closed) ?? 0) - started).toBeLessThan(SOON_MS);
});
