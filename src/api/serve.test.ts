import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import pino from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import type { EventStream, ThreadView } from '../runs/types.ts';
import { MAX_BODY_BYTES } from './body.ts';
import { type Served, serveApp } from './serve.ts';
import { type Core, testApp } from './test-app.ts';

const HOST = '127.0.0.1';
/** Long, so that half of it is much for a busy machine, and still tells what waited for its end. */
const GRACE_MS = 20_000;
const AUTH = { authorization: 'Bearer secret-of-a' };
const open: Served[] = [];

const NEVER = new AbortController().signal;

async function serve(core: Core = {}, stopping: AbortSignal = NEVER): Promise<Served> {
  const served = await serveApp(testApp(core).app, { host: HOST, port: 0, log: pino({ level: 'silent' }), stopping });
  open.push(served);
  return served;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((served) => served.close(0)));
});

/** A stream that never ends by itself; `aborted` resolves when the core is told to stop, which ends it. */
function endless() {
  const aborted = Promise.withResolvers<void>();
  const events: Core['events'] = async (_caller, _run, { signal }): Promise<EventStream> => ({
    atEnd: false,
    body: new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(': hello\n\n'));
        signal?.addEventListener('abort', () => {
          aborted.resolve();
          controller.close();
        });
      },
    }),
  });
  return { events, aborted: aborted.promise };
}

/** Sends raw bytes and reads the answer to its end. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, HOST);
  socket.end(bytes);
  return await text(socket);
}

describe('serveApp', () => {
  it('answers at the address that it names', async () => {
    const { url, port } = await serve();
    expect(url).toBe(`http://${HOST}:${port}`);
    expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({ status: 'ok' });
  });

  it('says in one line which port is taken', async () => {
    const { port } = await serve();
    const second = serveApp(testApp().app, { host: HOST, port, log: pino({ level: 'silent' }), stopping: NEVER });
    await expect(second).rejects.toMatchObject({
      code: 'http.port_in_use',
      message: `http://${HOST}:${port} is already in use by another process.`,
    });
  });

  it('says in one line where it cannot listen', async () => {
    const at = { host: '192.0.2.1', port: 1 };
    const served = serveApp(testApp().app, { ...at, log: pino({ level: 'silent' }), stopping: NEVER });
    await expect(served).rejects.toMatchObject({
      code: 'http.cannot_listen',
      message: 'Cannot listen on http://192.0.2.1:1: EADDRNOTAVAIL.',
    });
  });

  it.each([true, false])('answers 413 to a body that is too large, length declared: %s', async (declared) => {
    const { port } = await serve({ createThread: async () => ({ value: {} as ThreadView, replayed: false }) });
    const size = 4 * MAX_BODY_BYTES;
    const outgoing = request({
      host: HOST,
      port,
      path: '/v1/threads',
      method: 'POST',
      headers: { ...AUTH, ...(declared && { 'content-length': size }) },
    });
    const sent = once(outgoing, 'finish');
    outgoing.end(Buffer.alloc(size, ' '));
    const [incoming] = await once(outgoing, 'response');
    expect(incoming.statusCode).toBe(413);
    expect(JSON.parse(await text(incoming))).toMatchObject({ code: 'http.body_too_large' });
    await sent;
  });

  it('passes a body of exactly 1 MiB in chunks', async () => {
    const { port } = await serve({ createThread: async () => ({ value: {} as ThreadView, replayed: false }) });
    const outgoing = request({ host: HOST, port, path: '/v1/threads', method: 'POST', headers: AUTH });
    outgoing.write('{"title":"x"');
    outgoing.end(`}${' '.repeat(MAX_BODY_BYTES - 13)}`);
    const [incoming] = await once(outgoing, 'response');
    expect(incoming.statusCode).toBe(201);
    expect(await text(incoming)).toBe('{}');
  });

  it('lets a client that wants to close, and still sends a refused body, send it to its end', async () => {
    const { port } = await serve();
    const socket = connect(port, HOST);
    const body = Buffer.alloc(MAX_BODY_BYTES, ' ');
    const head = `POST /v1/runs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`;
    const half = body.subarray(body.length / 2);
    socket.write(head);
    socket.write(half);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 401 /);
    const lost: Error[] = [];
    socket.on('error', (error) => lost.push(error));
    // In pieces, so that a connection that was closed shows.
    for (let at = 0; at < half.length && !socket.destroyed; at += half.length / 8) {
      await new Promise<void>((sent) => void socket.write(half.subarray(at, at + half.length / 8), () => sent()));
      await setImmediate();
    }
    socket.end();
    if (!socket.closed) await once(socket, 'close');
    expect(lost).toEqual([]);
  });

  it('sends a stream’s head and first bytes at once, and aborts it when the client leaves', async () => {
    const { events, aborted } = endless();
    const { url } = await serve({ events });
    const client = new AbortController();
    const response = await fetch(`${url}/v1/runs/run_1/events`, { headers: AUTH, signal: client.signal });
    const { value } = await (response.body as ReadableStream<Uint8Array>).getReader().read();
    expect(new TextDecoder().decode(value)).toBe(': hello\n\n');
    client.abort();
    await aborted;
  });

  it.each([
    ['GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400],
    ['NOT HTTP\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
  ])('answers %j with %d and a trace id', async (bytes, status) => {
    const { port } = await serve();
    const answer = await raw(port, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toMatch(/^x-trace-id: [0-9a-f]{32}\r$/im);
    expect(answer).toContain('"code":"http.bad_request"');
  });
});

describe('close', () => {
  it('ends event streams in good order and frees the port', async () => {
    const { events } = endless();
    const served = await serve({ events });
    const response = await fetch(`${served.url}/v1/runs/run_1/events`, { headers: AUTH });
    const body = response.text();
    const begun = performance.now();
    await served.close(GRACE_MS);
    expect(await body).toBe(': hello\n\n');
    expect(performance.now() - begun).toBeLessThan(GRACE_MS / 2);
    await expect(fetch(`${served.url}/healthz`)).rejects.toThrow();
  });

  it('lets a request under way finish', async () => {
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const served = await serve({
      getThread: async () => {
        entered.resolve();
        await gate.promise;
        return { id: 'thread_1' } as ThreadView;
      },
    });
    const response = fetch(`${served.url}/v1/threads/thread_1`, { headers: AUTH });
    await entered.promise;
    const begun = performance.now();
    const closed = served.close(GRACE_MS);
    gate.resolve();
    expect(await (await response).json()).toEqual({ id: 'thread_1' });
    await closed;
    expect(performance.now() - begun).toBeLessThan(GRACE_MS / 2);
  });

  it('cuts what does not end within the grace, and may be called twice', async () => {
    const served = await serve({ getThread: () => new Promise(() => undefined) });
    const response = fetch(`${served.url}/v1/threads/thread_1`, { headers: AUTH });
    const refused = expect(response).rejects.toThrow();
    await fetch(`${served.url}/healthz`);
    await Promise.all([served.close(50), served.close(50)]);
    await refused;
  });
});
