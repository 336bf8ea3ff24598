import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Logger } from 'pino';
import { HoldfastError } from '../errors.ts';
import type { ApiEnv } from './env.ts';
import { failureOf } from './errors.ts';
import { nativeDialect } from './native/dialect.ts';
import { atMostEverySecond } from './seldom.ts';
import { newTraceId } from './trace.ts';

/** Connections at a time, most of them readers of events; one more is closed at once. */
export const MAX_CONNECTIONS = 10_000;
/**
 * Connections that wait to be accepted while the process is busy. Beyond it the system makes do with SYN cookies, and resets a client
 * whose first segments come out of order; it takes the lower of this and its own bound (Linux: `net.core.somaxconn`, 4,096).
 */
export const MAX_UNACCEPTED_CONNECTIONS = 4_096;
/** How long a client may take to send its request, headers and body. */
export const REQUEST_TIMEOUT_MS = 60_000;

/**
 * How long a connection is kept for a next request. Longer than the 60 s of common load balancers: they must be who closes it, or a request
 * that they send in the moment of our closing is lost.
 */
export const KEEP_ALIVE_MS = 75_000;

/** How long the rest of a refused body is read, so that its sender gets the answer. */
export const DISCARD_TIMEOUT_MS = 10_000;

export type Served = {
  /** `http://host:port`, with the port that was given out for port 0. */
  url: string;
  port: number;
  /**
   * Stops: no new connections, event streams end, requests under way get up to `graceMs` milliseconds, then every
   * connection is cut. Repeatable.
   */
  close(graceMs: number): Promise<void>;
};

/**
 * Serves `app` on a socket of its own; resolves when it listens. With `stopping` every answer ends its connection, `/readyz` says 503,
 * and all else is as before: whoever balances between servers has until `close` to send its requests elsewhere.
 * Errors: `http.port_in_use`, `http.cannot_listen`, each one line that names host and port.
 */
export async function serveApp(
  app: Hono<ApiEnv>,
  { host, port, log, stopping }: { host: string; port: number; log: Logger; stopping: AbortSignal },
): Promise<Served> {
  const readers = new Readers();
  const listener = getRequestListener(
    async (request, bindings) => {
      const { incoming, outgoing } = bindings as HttpBindings;
      const response = await app.fetch(request, {
        ...bindings,
        readerSignal: () => readers.add(outgoing),
        isStopping: () => stopping.aborted,
      });
      if (stopping.aborted) outgoing.shouldKeepAlive = false;
      // To a client that asked to close, Node would close with the answer: what is still on its way would then reset the connection.
      if (!incoming.complete) outgoing.shouldKeepAlive = true;
      return response;
    },
    { errorHandler: (error) => unroutable(error, log), autoCleanupIncoming: false },
  );
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (incoming, outgoing) => {
    // Once the server closes, a connection that has its answer is idle and must not be kept alive.
    outgoing.once('close', () => readers.ended && server.closeIdleConnections());
    outgoing.once('finish', () => discardRest(incoming));
    void listener(incoming, outgoing);
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = MAX_CONNECTIONS;
  const sayDropped = atMostEverySecond((count) => log.warn({ count }, 'connections were closed: there are too many'));
  server.on('drop', sayDropped);
  server.on('clientError', refuseMalformed);
  await listen(server, host, port);

  const bound = (server.address() as AddressInfo).port;
  let closed: Promise<void> | undefined;
  return {
    url: address(host, bound),
    port: bound,
    close: (graceMs) => {
      closed ??= close(server, readers, graceMs);
      return closed;
    },
  };
}

/**
 * The readers of event streams. Not `AbortSignal.any` over one signal of the server: that keeps every stream's signal
 * in memory for as long as the server lives.
 */
class Readers {
  ended = false;
  readonly #open = new Set<AbortController>();

  /** A signal that aborts when the client of `outgoing` leaves before the end, or with `end`. */
  add(outgoing: ServerResponse): AbortSignal {
    const reader = new AbortController();
    if (this.ended || outgoing.destroyed) {
      reader.abort();
      return reader.signal;
    }
    this.#open.add(reader);
    outgoing.once('close', () => {
      this.#open.delete(reader);
      if (!outgoing.writableFinished) reader.abort();
    });
    return reader.signal;
  }

  end(): void {
    this.ended = true;
    for (const reader of this.#open) reader.abort();
  }
}

/**
 * Reads and forgets what is left of a body that nobody wants: a client that still sends would lose its answer if the connection were
 * closed under it. One that does not come to its end is cut.
 */
function discardRest(incoming: IncomingMessage): void {
  if (incoming.readableEnded || incoming.destroyed) return;
  const cut = setTimeout(() => incoming.socket.destroy(), DISCARD_TIMEOUT_MS);
  incoming.once('close', () => clearTimeout(cut));
  incoming.resume();
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host, port, backlog: MAX_UNACCEPTED_CONNECTIONS }, resolve);
  try {
    await promise;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE') {
      throw new HoldfastError('http.port_in_use', `${address(host, port)} is already in use by another process.`, {
        cause: error,
      });
    }
    throw new HoldfastError(
      'http.cannot_listen',
      `Cannot listen on ${address(host, port)}: ${String(code ?? error)}.`,
      {
        cause: error,
      },
    );
  } finally {
    server.off('error', reject);
  }
}

async function close(server: Server, readers: Readers, graceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  readers.end();
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await promise;
  clearTimeout(cut);
}

function address(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** A request whose target or host is no URL never reaches the app, nor does what is thrown that is no Error. */
function unroutable(error: unknown, log: Logger): Response {
  const malformed = error instanceof Error && error.name === 'RequestError';
  const traceId = newTraceId();
  if (!malformed) log.error({ err: error, trace_id: traceId }, 'request failed');
  const failure = failureOf(
    malformed ? new HoldfastError('http.bad_request', `${error.message}.`, { cause: error }) : error,
    traceId,
  );
  return Response.json(nativeDialect.renderError(failure), {
    status: failure.status,
    headers: { 'X-Trace-Id': traceId },
  });
}

const STATUS_BY_NODE_CODE: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** Bytes that Node cannot read as HTTP. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = STATUS_BY_NODE_CODE[error.code ?? ''] ?? 400;
  const trace_id = newTraceId();
  const body = JSON.stringify({ code: 'http.bad_request', message: `${STATUS_CODES[status]}.`, trace_id, details: {} });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\nX-Trace-Id: ${trace_id}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
