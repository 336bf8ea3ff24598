import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../errors.ts';
import type { Holdfast } from '../../runs/holdfast.ts';
import type { EventStream, RunDetails } from '../../runs/types.ts';
import { endedStream, testApp } from '../test-app.ts';

type Options = Parameters<Holdfast['events']>[2];

function appWith(stream: () => EventStream) {
  const asked: Options[] = [];
  const { send } = testApp({
    getRun: async () => ({}) as RunDetails,
    events: async (_caller, _run, options) => {
      asked.push(options);
      return stream();
    },
  });
  const read = (query = '', headers: Record<string, string> = {}, more = {}) =>
    send(`/v1/runs/run_1/events${query}`, { headers, ...more });
  return { read, asked };
}

describe('GET /v1/runs/{run_id}/events', () => {
  it('answers the core’s frames as they are', async () => {
    const { read } = appWith(() => endedStream(['id: 1\ndata: {}\n\n', ': ping\n\n']));
    const response = await read();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(await response.text()).toBe('id: 1\ndata: {}\n\n: ping\n\n');
  });

  it.each<[string, Record<string, string>, number, boolean]>([
    ['', {}, 0, true],
    ['?after_seq=7', {}, 7, true],
    ['?after_seq=0&follow=true', {}, 0, true],
    ['?follow=false', {}, 0, false],
    ['', { 'last-event-id': '5' }, 5, true],
    ['?after_seq=2', { 'last-event-id': '5' }, 2, true],
    ['?after_seq=2', { 'last-event-id': 'not looked at' }, 2, true],
  ])('%s with %j reads after %d, follow %s', async (query, headers, afterSeq, follow) => {
    const { read, asked } = appWith(() => endedStream([]));
    expect((await read(query, headers)).status).toBe(200);
    expect(asked).toMatchObject([{ afterSeq, follow }]);
  });

  it.each(['abc', '-1', '1.5', '', '99999999999999999999'])('refuses Last-Event-ID %j', async (id) => {
    const { read, asked } = appWith(() => endedStream([]));
    const response = await read('', { 'last-event-id': id });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ details: { issues: [{ path: 'Last-Event-ID' }] } });
    expect(asked).toEqual([]);
  });

  it('stops a browser that has read everything with 204, and lets go of the stream', async () => {
    let cancelled = 0;
    const { read } = appWith(() => ({ atEnd: true, body: new ReadableStream({ cancel: () => void cancelled++ }) }));
    const response = await read('', { 'last-event-id': '9' });
    expect(response.status).toBe(204);
    expect(await response.text()).toBe('');
    expect(cancelled).toBe(1);
  });

  it('answers after_seq at the end of an ended run with an empty stream', async () => {
    const { read } = appWith(() => endedStream([], true));
    for (const headers of [{}, { 'last-event-id': '9' }] as Record<string, string>[]) {
      const response = await read('?after_seq=9', headers);
      expect(response.status).toBe(200);
      expect(await response.text()).toBe('');
    }
  });

  it('passes on that a position is beyond the end', async () => {
    const { read } = appWith(() => {
      throw new HoldfastError('validation.failed', 'beyond', {
        details: { issues: [{ path: 'after_seq', message: '' }] },
      });
    });
    expect((await read('?after_seq=9')).status).toBe(422);
  });

  it('tells the core when the client leaves', async () => {
    const { read, asked } = appWith(() => ({ atEnd: false, body: new ReadableStream() }));
    const client = new AbortController();
    await read('', {}, { signal: client.signal });
    expect(asked[0]?.signal?.aborted).toBe(false);
    client.abort();
    expect(asked[0]?.signal?.aborted).toBe(true);
  });

  it('HEAD opens no stream', async () => {
    const { read, asked } = appWith(() => endedStream(['x']));
    const response = await read('', {}, { method: 'HEAD' });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    expect(asked).toEqual([]);
  });
});
