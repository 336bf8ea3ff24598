/**
 * What readers of runs are measured against: plain Hono with `streamSSE`, which says the frames of Holdfast's chunks to each reader from
 * memory, as fast as that reader takes them. No run, no journal, no account. A process of its own; tells its parent its address.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';

/** What a run's first chunk has before it; which number exactly is no matter. */
const EARLIER_EVENTS = 8;
/** Starts share a connection, seconds apart: closed after Node's five seconds, one would be lost that is sent in that moment. */
const KEEP_ALIVE_MS = 60_000;
const MESSAGE_ID = 'msg_01k7h3v8mq0000a1b2c3d4e5f6g7h8jk';

/** What was made for a number of chunks. */
const made = new Map<number, string[]>();
let starter = Promise.withResolvers<void>();

const app = new Hono();
/** `chunks` frames; with `wait` not before all readers that wait are started. */
app.get('/events', (c) => {
  const answer = streamSSE(c, async (stream) => {
    const texts = textsOf(Number(c.req.query('chunks')));
    if (c.req.query('wait') !== undefined) {
      await stream.write(': waiting\n\n');
      await starter.promise;
    }
    let seq = EARLIER_EVENTS;
    for (const data of texts) await stream.writeSSE({ id: String(++seq), event: 'message.delta', data });
  });
  // `streamSSE` says keep-alive even to who asked for none, and whoever waits for the end waits six seconds.
  answer.headers.set('Connection', 'close');
  return answer;
});
app.post('/start', (c) => {
  starter.resolve();
  starter = Promise.withResolvers();
  return c.json({});
});

const serverOptions = { keepAliveTimeout: KEEP_ALIVE_MS };
const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0, serverOptions });
process.once('disconnect', () => process.exit());
await once(server, 'listening');
process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);

function textsOf(chunks: number): string[] {
  const known = made.get(chunks);
  if (known) return known;
  const created_at = new Date().toISOString();
  const texts = Array.from({ length: chunks }, (_, i) => {
    const data = { message_id: MESSAGE_ID, turn: 1, content: `word${i + 1} ` };
    return JSON.stringify({ seq: EARLIER_EVENTS + i + 1, type: 'message.delta', data, created_at });
  });
  made.set(chunks, texts);
  return texts;
}
