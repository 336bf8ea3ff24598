import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { collect, say, WIRES, wireRoute } from '../../test/wire/collect.ts';
import { type Reply, startWire, type WireServer } from '../../test/wire/server.ts';
import { Slots } from '../slots.ts';
import { openModels } from './open-models.ts';
import { runStep, type Source } from './step.ts';
import type { ModelPart, Route, RouteConfig } from './types.ts';

const IDLE_S = 0.2;
const IDLE_MS = IDLE_S * 1_000;
/** Where nothing is to be taken for silence: what a busy machine holds up for a moment is not either. */
const PATIENT_S = 0.6;
const PATIENT_MS = PATIENT_S * 1_000;
const PROMPTLY_MS = 200;

let wire: WireServer;
afterEach(() => wire.close());

describe.each(WIRES)('%s', (provider) => {
  const open = async (reply: Reply, more: Partial<RouteConfig> = {}) => {
    wire = await startWire({ [provider]: [reply] });
    const models = await openModels([wireRoute(provider, wire.url, more)]);
    const route = models.route(provider) as Route;
    return (signal: AbortSignal) => models.stream(route, say('hello'), signal);
  };
  const never = () => new AbortController().signal;

  it.each(['mute', 'silent'] as const)(
    'silence (%s) is broken off as a timeout and the connection closed',
    async (fault) => {
      const stream = await open({ fault }, { idle_timeout_s: IDLE_S });
      const begun = performance.now();
      const { error } = await collect(stream(never()));
      const ended = performance.now();
      expect(error).toMatchObject({
        code: 'provider.timeout',
        retryable: true,
        message: 'The provider was silent for 0.2 s.',
      });
      expect(ended - begun).toBeGreaterThanOrEqual(IDLE_MS - 5);
      expect((await (await wire.request(0)).closed) - ended).toBeLessThan(PROMPTLY_MS);
    },
  );

  it('silence after some text is broken off too', async () => {
    const stream = await open({ text: ['Hel'], fault: 'silent' }, { idle_timeout_s: IDLE_S });
    const { error, text } = await collect(stream(never()));
    expect(error).toMatchObject({ code: 'provider.timeout' });
    expect(text).toBe('Hel');
  });

  it('a stream that is slow, but longer than the timeout, is not silent', async () => {
    const text = Array.from({ length: 8 }, (_, n) => `${n} `);
    const stream = await open({ text, delayMs: PATIENT_MS / 5 }, { idle_timeout_s: PATIENT_S });
    const collected = await collect(stream(never()));
    expect(collected.error).toBeUndefined();
    expect(collected.text).toBe(text.join(''));
  });

  it('a consumer that takes its time is not silence', async () => {
    const stream = await open({ text: ['a', 'b', 'c'] }, { idle_timeout_s: PATIENT_S });
    let text = '';
    for await (const part of stream(never())) {
      if (part.type === 'text') text += part.text;
      if (text === 'a') await sleep(PATIENT_MS * 1.5);
    }
    expect(text).toBe('abc');
  });

  it('an abort throws its reason at once and closes the connection', async () => {
    const stream = await open({ text: ['Hel'], fault: 'silent' });
    const abort = new AbortController();
    const reason = new Error('the user cancelled');
    let aborted = 0;
    const reading = (async () => {
      for await (const part of stream(abort.signal)) {
        expect(part).toEqual({ type: 'text', text: 'Hel' });
        setImmediate(() => {
          aborted = performance.now();
          abort.abort(reason);
        });
      }
    })();
    await expect(reading).rejects.toBe(reason);
    expect(performance.now() - aborted).toBeLessThan(PROMPTLY_MS);
    expect((await (await wire.request(0)).closed) - aborted).toBeLessThan(PROMPTLY_MS);
  });

  it('an abort before any header closes the connection', async () => {
    const stream = await open({ fault: 'mute' });
    const abort = new AbortController();
    const reading = collect(stream(abort.signal));
    const request = await wire.request(0);
    const aborted = performance.now();
    abort.abort('stop');
    expect((await reading).error).toBe('stop');
    expect((await request.closed) - aborted).toBeLessThan(PROMPTLY_MS);
  });

  it('an abort while the consumer is busy closes the connection without waiting for it', async () => {
    const stream = await open({ text: ['Hel'], fault: 'silent' });
    const abort = new AbortController();
    const iterator = stream(abort.signal)[Symbol.asyncIterator]();
    await iterator.next();
    abort.abort('stop');
    const aborted = performance.now();
    expect((await (await wire.request(0)).closed) - aborted).toBeLessThan(PROMPTLY_MS);
    await expect(iterator.next()).rejects.toBe('stop');
  });

  it('leaving early closes the connection', async () => {
    const stream = await open({ text: ['a', 'b'], fault: 'silent' });
    for await (const part of stream(never())) {
      expect(part).toEqual({ type: 'text', text: 'a' });
      break;
    }
    const left = performance.now();
    expect((await (await wire.request(0)).closed) - left).toBeLessThan(PROMPTLY_MS);
  });

  it('a signal that was aborted before sends nothing', async () => {
    const stream = await open({ text: ['a'] });
    expect((await collect(stream(AbortSignal.abort('never')))).error).toBe('never');
    expect(wire.requests).toHaveLength(0);
  });

  it('whole answers leave their connections for the next requests', async () => {
    const stream = await open({ text: ['a'] });
    for (let n = 0; n < 10; n++) expect((await collect(stream(never()))).finish).toBeDefined();
    expect(wire.connections()).toBeLessThan(5);
  });
});

describe('max_concurrency', () => {
  const open = async (reply: Reply, more: Partial<RouteConfig>) => {
    wire = await startWire({ openai: [reply] });
    const models = await openModels([wireRoute('openai', wire.url, more)]);
    return (signal: AbortSignal) => models.stream(models.route('openai') as Route, say('x'), signal);
  };
  const first = async (stream: AsyncIterable<ModelPart>) => {
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    return iterator;
  };

  it('holds the next step back until one ends, and waiting is not silence', async () => {
    const stream = await open(
      { text: ['a', 'b'], delayMs: PATIENT_MS / 4 },
      { max_concurrency: 2, idle_timeout_s: PATIENT_S },
    );
    const holders = [
      await first(stream(new AbortController().signal)),
      await first(stream(new AbortController().signal)),
    ];
    const third = collect(stream(new AbortController().signal));
    await sleep(PATIENT_MS * 2);
    expect(wire.requests).toHaveLength(2);
    await holders[0]?.return?.();
    expect((await third).finish).toBeDefined();
    expect(wire.requests).toHaveLength(3);
    await holders[1]?.return?.();
  });

  it('a step that waits ends when it is aborted, and its place goes to the next', async () => {
    const stream = await open({ text: ['a', 'b'] }, { max_concurrency: 1 });
    const holder = await first(stream(new AbortController().signal));
    const abort = new AbortController();
    const aborted = collect(stream(abort.signal));
    const next = collect(stream(new AbortController().signal));
    abort.abort('cancelled');
    expect((await aborted).error).toBe('cancelled');
    await holder.return?.();
    expect((await next).text).toBe('ab');
    expect(wire.requests).toHaveLength(2);
  });

  it('a step that fails gives its place back', async () => {
    const stream = await open({ http: { status: 500 } }, { max_concurrency: 1 });
    for (let n = 0; n < 3; n++) {
      expect((await collect(stream(new AbortController().signal))).error).toMatchObject({ status: 500 });
    }
  });
});

it('silence counts from when the consumer begins to wait', async () => {
  wire = await startWire();
  const source: Source = async function* () {
    const pause = sleep(PATIENT_MS * 1.5);
    yield { type: 'text', text: 'a' };
    await pause;
    yield { type: 'text', text: 'b' };
  };
  const limits = { slots: new Slots(1), idleTimeoutS: PATIENT_S };
  const texts: unknown[] = [];
  for await (const part of runStep(source, limits, say('x'), new AbortController().signal)) {
    texts.push(part);
    if (texts.length === 1) await sleep(PATIENT_MS * 0.75);
  }
  expect(texts).toHaveLength(2);
});

it('comments on the wire are a sign of life', async () => {
  wire = await startWire({ 'openai-compatible': [{ fault: 'comments' }] });
  const models = await openModels([wireRoute('openai-compatible', wire.url, { idle_timeout_s: PATIENT_S })]);
  const abort = new AbortController();
  const reading = collect(models.stream(models.route('openai-compatible') as Route, say('x'), abort.signal));
  await wire.request(0);
  await sleep(PATIENT_MS * 2);
  abort.abort('enough');
  expect((await reading).error).toBe('enough');
});
