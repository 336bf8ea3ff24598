import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { fastestOf } from '../../test/support/fastest.ts';
import { collect, say, WIRES, wireRoute } from '../../test/wire/collect.ts';
import { type Reply, type Script, startWire, type Wire, type WireServer } from '../../test/wire/server.ts';
import { Slots } from '../slots.ts';
import { openModels } from './open-models.ts';
import { runStep, type Source, STOP_WITHIN_MS } from './step.ts';
import type { ModelPart, Route, RouteConfig } from './types.ts';

/** What a busy machine holds up for a moment is not to be taken for silence. */
const IDLE_S = 3;
const IDLE_MS = IDLE_S * 1_000;
/** Silence would have been noticed by then. */
const LONGER_MS = IDLE_MS * 1.3;
/** Time for a busy machine; without a limit of its own, silence breaks a stream off after 60 s. */
const PROMPTLY_MS = 5_000;
/** Sooner than a source is left that does not stop. */
const AT_ONCE_MS = STOP_WITHIN_MS * 0.8;

const wires: WireServer[] = [];
afterAll(() => Promise.all(wires.map((wire) => wire.close())));

/** A provider of the test's own: others run at the same time, as most of a test is waiting. */
async function provide(scripts: Partial<Record<Wire, Script>>): Promise<WireServer> {
  const wire = await startWire(scripts);
  wires.push(wire);
  return wire;
}

describe.concurrent.each(WIRES)('%s', (provider) => {
  const open = async (reply: Reply, more: Partial<RouteConfig> = {}) => {
    const wire = await provide({ [provider]: [reply] });
    const models = await openModels([wireRoute(provider, wire.url, more)]);
    const route = models.route(provider) as Route;
    return { wire, stream: (signal: AbortSignal) => models.stream(route, say('hello'), signal) };
  };
  const never = () => new AbortController().signal;

  it.each(['mute', 'silent'] as const)(
    'silence (%s) is broken off as a timeout and the connection closed',
    async (fault) => {
      const { wire, stream } = await open({ fault }, { idle_timeout_s: IDLE_S });
      const begun = performance.now();
      const { error } = await collect(stream(never()));
      const ended = performance.now();
      expect(error).toMatchObject({
        code: 'provider.timeout',
        retryable: true,
        message: `The provider was silent for ${IDLE_S} s.`,
      });
      expect(ended - begun).toBeGreaterThanOrEqual(IDLE_MS - 5);
      expect((await (await wire.request(0)).closed) - ended).toBeLessThan(PROMPTLY_MS);
    },
  );

  it('silence after some text is broken off too', async () => {
    const { stream } = await open({ text: ['Hel'], fault: 'silent' }, { idle_timeout_s: IDLE_S });
    const { error, text } = await collect(stream(never()));
    expect(error).toMatchObject({ code: 'provider.timeout' });
    expect(text).toBe('Hel');
  });

  it('a stream that is slow, but longer than the timeout, is not silent', async () => {
    const text = Array.from({ length: 6 }, (_, n) => `${n} `);
    const { stream } = await open({ text, delayMs: LONGER_MS / text.length }, { idle_timeout_s: IDLE_S });
    const collected = await collect(stream(never()));
    expect(collected.error).toBeUndefined();
    expect(collected.text).toBe(text.join(''));
  });

  it('a consumer that takes its time is not silence', async () => {
    const { stream } = await open({ text: ['a', 'b', 'c'] }, { idle_timeout_s: IDLE_S });
    let text = '';
    for await (const part of stream(never())) {
      if (part.type === 'text') text += part.text;
      if (text === 'a') await sleep(LONGER_MS);
    }
    expect(text).toBe('abc');
  });

  /** Aborts in mid-stream, and gives the milliseconds until the reader was told and the connection was closed. */
  const abortInMidStream = async () => {
    const { wire, stream } = await open({ text: ['Hel'], fault: 'silent' });
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
    const told = performance.now();
    return Math.max(told, await (await wire.request(0)).closed) - aborted;
  };

  it('an abort throws its reason at once and closes the connection', async () => {
    expect(await fastestOf(3, AT_ONCE_MS, abortInMidStream)).toBeLessThan(AT_ONCE_MS);
  });

  it('an abort before any header closes the connection', async () => {
    const { wire, stream } = await open({ fault: 'mute' });
    const abort = new AbortController();
    const reading = collect(stream(abort.signal));
    const request = await wire.request(0);
    const aborted = performance.now();
    abort.abort('stop');
    expect((await reading).error).toBe('stop');
    expect((await request.closed) - aborted).toBeLessThan(PROMPTLY_MS);
  });

  it('an abort while the consumer is busy closes the connection without waiting for it', async () => {
    const { wire, stream } = await open({ text: ['Hel'], fault: 'silent' });
    const abort = new AbortController();
    const iterator = stream(abort.signal)[Symbol.asyncIterator]();
    await iterator.next();
    abort.abort('stop');
    const aborted = performance.now();
    expect((await (await wire.request(0)).closed) - aborted).toBeLessThan(PROMPTLY_MS);
    await expect(iterator.next()).rejects.toBe('stop');
  });

  it('leaving early closes the connection', async () => {
    const { wire, stream } = await open({ text: ['a', 'b'], fault: 'silent' });
    for await (const part of stream(never())) {
      expect(part).toEqual({ type: 'text', text: 'a' });
      break;
    }
    const left = performance.now();
    expect((await (await wire.request(0)).closed) - left).toBeLessThan(PROMPTLY_MS);
  });

  it('a signal that was aborted before sends nothing', async () => {
    const { wire, stream } = await open({ text: ['a'] });
    expect((await collect(stream(AbortSignal.abort('never')))).error).toBe('never');
    expect(wire.requests).toHaveLength(0);
  });

  it('whole answers leave their connections for the next requests', async () => {
    const { wire, stream } = await open({ text: ['a'] });
    for (let n = 0; n < 10; n++) expect((await collect(stream(never()))).finish).toBeDefined();
    expect(wire.connections()).toBeLessThan(5);
  });
});

describe.concurrent('max_concurrency', () => {
  const open = async (reply: Reply, more: Partial<RouteConfig>) => {
    const wire = await provide({ openai: [reply] });
    const models = await openModels([wireRoute('openai', wire.url, more)]);
    const route = models.route('openai') as Route;
    return { wire, stream: (signal: AbortSignal) => models.stream(route, say('x'), signal) };
  };
  const first = async (stream: AsyncIterable<ModelPart>) => {
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    return iterator;
  };

  it('holds the next step back until one ends, and waiting is not silence', async () => {
    const { wire, stream } = await open(
      { text: ['a', 'b'], delayMs: 150 },
      { max_concurrency: 2, idle_timeout_s: IDLE_S },
    );
    const holders = [
      await first(stream(new AbortController().signal)),
      await first(stream(new AbortController().signal)),
    ];
    const third = collect(stream(new AbortController().signal));
    await sleep(LONGER_MS);
    expect(wire.requests).toHaveLength(2);
    await holders[0]?.return?.();
    expect((await third).finish).toBeDefined();
    expect(wire.requests).toHaveLength(3);
    await holders[1]?.return?.();
  });

  it('a step that waits ends when it is aborted, and its place goes to the next', async () => {
    const { wire, stream } = await open({ text: ['a', 'b'] }, { max_concurrency: 1 });
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
    const { stream } = await open({ http: { status: 500 } }, { max_concurrency: 1 });
    for (let n = 0; n < 3; n++) {
      expect((await collect(stream(new AbortController().signal))).error).toMatchObject({ status: 500 });
    }
  });
});

describe.concurrent('silence', () => {
  it('counts from when the consumer begins to wait', async () => {
    const source: Source = async function* () {
      const pause = sleep(IDLE_MS * 1.2);
      yield { type: 'text', text: 'a' };
      await pause;
      yield { type: 'text', text: 'b' };
    };
    const limits = { slots: new Slots(1), idleTimeoutS: IDLE_S };
    const texts: unknown[] = [];
    for await (const part of runStep(source, limits, say('x'), new AbortController().signal)) {
      texts.push(part);
      // Before the limit has passed since the first text: the watch looks then, and must count from here.
      if (texts.length === 1) await sleep(IDLE_MS * 0.9);
    }
    expect(texts).toHaveLength(2);
  });

  it('is broken by comments on the wire: they are a sign of life', async () => {
    const wire = await provide({ 'openai-compatible': [{ fault: 'comments' }] });
    const models = await openModels([wireRoute('openai-compatible', wire.url, { idle_timeout_s: IDLE_S })]);
    const abort = new AbortController();
    const reading = collect(models.stream(models.route('openai-compatible') as Route, say('x'), abort.signal));
    await wire.request(0);
    await sleep(LONGER_MS);
    abort.abort('enough');
    expect((await reading).error).toBe('enough');
  });
});
