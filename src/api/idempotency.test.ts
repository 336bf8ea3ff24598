import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../errors.ts';
import type { Effect, Idempotency, ThreadView } from '../runs/types.ts';
import { canonicalJson, idempotencyOf } from './idempotency.ts';
import { testApp } from './test-app.ts';

const asked = (body: unknown, path = '/v1/threads') => ({ method: 'POST', path, body });

describe('the fingerprint', () => {
  const of = (body: unknown, path?: string) => idempotencyOf('k', asked(body, path))?.fingerprint;

  it('is the same for the same JSON value, and for no body as for {}', () => {
    expect(of({ a: { x: 1, y: [1, { c: 1, b: 2 }] }, b: 2 })).toBe(of({ b: 2, a: { y: [1, { b: 2, c: 1 }], x: 1 } }));
    expect(of(undefined)).toBe(of({}));
  });

  it('differs by value, by the order of a list and by path', () => {
    const prints = [of({ a: 1 }), of({ a: '1' }), of({ a: [1, 2] }), of({ a: [2, 1] }), of({ a: 1 }, '/v1/runs')];
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('is of canonical JSON', () => {
    expect(canonicalJson({ b: [{ d: null, c: 'x' }], a: 1.0 })).toBe('{"a":1,"b":[{"c":"x","d":null}]}');
  });
});

describe('Idempotency-Key', () => {
  function app(createThread: (once: Idempotency | undefined) => Promise<Effect<ThreadView>>, caller = {}) {
    const { send } = testApp({ createThread: async (_caller, _input, once) => await createThread(once) }, { caller });
    return (key: string | undefined, path = '/v1/threads') =>
      send(path, { method: 'POST', headers: key === undefined ? {} : { 'idempotency-key': key } });
  }
  const effect = (replayed: boolean): Effect<ThreadView> => ({ value: {} as ThreadView, replayed });

  it('is passed to the core with the fingerprint, and only when it was sent', async () => {
    const seen: unknown[] = [];
    const post = app(async (once) => {
      seen.push(once);
      return effect(false);
    });
    await post('my key');
    await post(undefined);
    expect(seen).toEqual([{ key: 'my key', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) }, undefined]);
  });

  it.each([true, false])('says whether the effect was replayed: %s', async (replayed) => {
    const response = await app(async () => effect(replayed))('k');
    expect(response.status).toBe(201);
    expect(response.headers.get('idempotency-replayed')).toBe(replayed ? 'true' : null);
  });

  it('has 1 to 255 characters', async () => {
    const post = app(async () => effect(false));
    expect((await post('k'.repeat(255))).status).toBe(201);
    for (const key of ['', 'k'.repeat(256)]) {
      const response = await post(key);
      expect(response.status).toBe(422);
      expect(await response.json()).toMatchObject({
        code: 'validation.failed',
        details: { issues: [{ path: 'Idempotency-Key' }] },
      });
    }
  });

  it('is refused while its first request runs, and free again after success and failure', async () => {
    const gates: PromiseWithResolvers<Effect<ThreadView>>[] = [];
    const entered = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const post = app(async (once) => {
      if (once?.key !== 'k') return effect(false);
      const gate = Promise.withResolvers<Effect<ThreadView>>();
      gates.push(gate);
      entered[gates.length - 1]?.resolve();
      return await gate.promise;
    });
    const first = post('k');
    await entered[0]?.promise;
    const second = await post('k');
    expect(second.status).toBe(409);
    expect(second.headers.get('retry-after')).toBe('1');
    expect(await second.json()).toMatchObject({ code: 'idempotency.in_progress' });
    expect((await post('another')).status).toBe(201);
    gates[0]?.reject(new HoldfastError('journal.unavailable', 'gone'));
    expect((await first).status).toBe(503);
    const third = post('k');
    await entered[1]?.promise;
    gates[1]?.resolve(effect(false));
    expect((await third).status).toBe(201);
  });

  it('passes the core’s mismatch on', async () => {
    const post = app(async () => {
      throw new HoldfastError('idempotency.mismatch', 'another body');
    });
    expect((await post('k')).status).toBe(422);
  });
});
