import { expect, it } from 'vitest';
import type { ThreadView } from '../runs/types.ts';
import { testApp } from './test-app.ts';

const REFUSED = { code: 'journal.unavailable', message: expect.stringContaining('Nothing was accepted') };
const thread = { id: 'thread_1' } as ThreadView;

/** An app whose requests stay under way until `finish`. */
function held(admission: { requests: number; bodyBytes: number }) {
  const gate = Promise.withResolvers<void>();
  const { send } = testApp(
    {
      getThread: async () => {
        await gate.promise;
        return thread;
      },
      createThread: async () => {
        await gate.promise;
        return { value: thread, replayed: false };
      },
    },
    { admission },
  );
  const read = () => send('/v1/threads/thread_1');
  const write = (bytes: number) =>
    send('/v1/threads', { method: 'POST', raw: '{}'.padEnd(bytes), headers: { 'content-length': String(bytes) } });
  const chunked = (bytes: number) =>
    send('/v1/threads', { method: 'POST', raw: ReadableStream.from([new TextEncoder().encode('{}'.padEnd(bytes))]) });
  return { send, read, write, chunked, finish: gate.resolve };
}

it('one request too many is refused with Retry-After, in each dialect’s words, and there is room again when one has ended', async () => {
  const { send, read, finish } = held({ requests: 2, bodyBytes: 1_000 });
  const under = [read(), read()];
  const refused = await read();
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await refused.json()).toMatchObject(REFUSED);
  const openai = await send('/openai/v1/threads/thread_1');
  expect([openai.status, await openai.json()]).toMatchObject([503, { error: { message: REFUSED.message } }]);
  expect((await send('/healthz')).status).toBe(200);
  finish();
  expect((await Promise.all(under)).map((response) => response.status)).toEqual([200, 200]);
  expect((await read()).status).toBe(200);
});

it('is refused before anybody asks who is calling', async () => {
  const { send, read, finish } = held({ requests: 1, bodyBytes: 1_000 });
  const under = read();
  expect((await send('/v1/threads', { headers: { authorization: '' } })).status).toBe(503);
  finish();
  await under;
});

it.each([
  ['said beforehand', (app: ReturnType<typeof held>, bytes: number) => app.write(bytes)],
  ['counted as they come', (app: ReturnType<typeof held>, bytes: number) => app.chunked(bytes)],
])('bodies are taken while there is room for their bytes, %s', async (_how, post) => {
  const app = held({ requests: 10, bodyBytes: 1_000 });
  const under = [post(app, 600), post(app, 400)];
  const refused = await new Promise<Response>((resolve) => setImmediate(() => resolve(post(app, 2))));
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await refused.json()).toMatchObject(REFUSED);
  app.finish();
  expect((await Promise.all(under)).map((response) => response.status)).toEqual([201, 201]);
  expect((await post(app, 1_000)).status).toBe(201);
});
