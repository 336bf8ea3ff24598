import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { afterEach, expect, it } from 'vitest';
import { until } from '../../../test/support/until.ts';
import { collect } from '../../../test/wire/collect.ts';
import { startWire, type WireServer } from '../../../test/wire/server.ts';
import type { ModelRequest } from '../types.ts';
import { MAX_PARTS_AHEAD, type Said } from './messages.ts';
import { type SdkRouteConfig, threadedSources } from './threaded-sources.ts';

const REQUEST: ModelRequest = {
  ...{ system: '', tools: [] },
  messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }],
};

/** So that the chunks of a test do not fit into the buffers on their way. */
const LONG = 'x'.repeat(1_000);

const CHUNKS = 40 * MAX_PARTS_AHEAD;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const never = () => new AbortController().signal;
const ignore = () => undefined;
const route = (base_url: string): SdkRouteConfig => ({ id: 'r', provider: 'openai-compatible', model: 'm', base_url });

async function wireOf(...texts: string[]): Promise<WireServer> {
  const wire = await startWire({ 'openai-compatible': [{ text: texts, fault: 'silent' }, { text: texts }] });
  closers.push(() => wire.close());
  return wire;
}

it('a thread that ends takes its streams with it, as an error that may be tried again, and the next stream finds another', async () => {
  const threads: Worker[] = [];
  const onThread = (worker: Worker) => void threads.push(worker);
  process.on('worker', onThread);
  closers.push(() => process.off('worker', onThread));
  const wire = await wireOf('Hel', 'lo');
  const source = (await threadedSources([route(wire.url)]))('r');
  const cut = source(REQUEST, never(), ignore)[Symbol.asyncIterator]();
  expect((await cut.next()).value).toEqual({ type: 'text', text: 'Hel' });
  await threads[0]?.terminate();
  const rest = (async () => {
    while (!(await cut.next()).done);
  })();
  await expect(rest).rejects.toMatchObject({ code: 'provider.unavailable', retryable: true });
  expect((await collect(source(REQUEST, never(), ignore))).text).toBe('Hello');
  expect(threads).toHaveLength(2);
});

it('a thread that ends before it can talk to anyone is told at the start', async () => {
  process.once('worker', (worker) => void worker.terminate());
  await expect(threadedSources([route('http://127.0.0.1:9/v1')])).rejects.toThrow('talks to providers ended');
});

it('a stream that nobody takes is not read on, and nothing of it is lost', async () => {
  const stream = await openEager();
  await stream.rests();
  let texts = 1;
  while (await stream.take()) texts++;
  expect(texts).toBe(CHUNKS);
  expect(stream.furthest()).toBeLessThanOrEqual(MAX_PARTS_AHEAD);
});

it('whoever leaves a stream that is not read on has its connection closed', async () => {
  const stream = await openEager();
  await stream.rests();
  await stream.leave();
  await stream.closed;
});

/** A stream of a provider that says its chunks as fast as they are taken, of which one was taken. */
async function openEager() {
  let said = 0;
  let taken = 0;
  let furthest = 0;
  process.once('worker', (worker) =>
    worker.on('message', (all: Said[]) => {
      said += all.filter(({ kind }) => kind === 'part').length;
      furthest = Math.max(furthest, said - taken);
    }),
  );
  const { url, closed } = await startEager();
  const source = (await threadedSources([route(url)]))('r');
  const parts = source(REQUEST, never(), ignore)[Symbol.asyncIterator]();
  const take = async () => {
    const { done, value } = await parts.next();
    if (!done) taken++;
    return value?.type === 'text';
  };
  await take();
  let before = -1;
  const isResting = async () => {
    const resting = said === before;
    before = said;
    await sleep(50);
    return resting;
  };
  return {
    ...{ take, closed, furthest: () => furthest },
    rests: () => until(isResting, 'the thread waits for its reader'),
    leave: async () => void (await parts.return?.()),
  };
}

/** `closed`: the connection of its first stream. */
async function startEager(): Promise<{ url: string; closed: Promise<void> }> {
  const closed = Promise.withResolvers<void>();
  const say = (response: ServerResponse, delta: object, finish_reason: string | null) =>
    response.write(
      `data: ${JSON.stringify({ id: 'c', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`,
    );
  const server = createServer(async (_, response) => {
    response.once('close', closed.resolve);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let written = 0; written < CHUNKS; written++) {
      if (say(response, { content: LONG }, null)) continue;
      await new Promise((resolve) => response.once('drain', resolve));
    }
    say(response, {}, 'stop');
    response.end('data: [DONE]\n\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, closed: closed.promise };
}
