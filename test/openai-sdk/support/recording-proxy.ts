/**
 * An HTTP proxy between the SDKs and their servers: it records each request by the test that made it, and loses an answer or
 * turns a request away when asked to. What it is asked stands in the request's headers, so that any SDK in any process can.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { operationOf } from './operations.ts';

/** Names the test that makes the request. */
export const CASE_HEADER = 'x-test-case';
/**
 * What goes wrong with the first attempt of a request (an SDK's own retries pass): `lose` executes it and breaks the
 * connection instead of answering, `unavailable` answers 503 in its server's place.
 */
export const FAULT_HEADER = 'x-test-fault';
export type Fault = 'lose' | 'unavailable';

const BASE = '/openai/v1';

export type Recorded = {
  case: string;
  /** As the SDK calls itself, `OpenAI/JS 7.57.0`. */
  agent: string;
  method: string;
  /** Below the dialect's base, without the query. */
  path: string;
  query: string;
  operation: string | undefined;
  /** The SDK's own count of its retries. */
  retry: number;
  status: number;
  headers: IncomingMessage['headers'];
  /** The answer as far as it came. */
  text: string;
};

export type RecordingProxy = {
  /** The address of the proxy; the dialect of `server` is at `${url}/${server}/openai/v1`. */
  url: string;
  /** Requests in the order of their answers; with `name`, those of one test. Also at `${url}/recorded/${name}` as JSON. */
  recorded(name?: string): Recorded[];
  close(): Promise<void>;
};

/** Starts a proxy in front of servers, given by the names under which they are reached. */
export async function startRecordingProxy(servers: Record<string, string>): Promise<RecordingProxy> {
  const seen: Recorded[] = [];
  const recorded = (name?: string) => (name === undefined ? seen : seen.filter((it) => it.case === name));

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const [, name = '', rest = ''] = /^\/([^/]+)(.*)$/.exec(incoming.url ?? '') ?? [];
    if (name === 'recorded') {
      const summary = recorded(decodeURIComponent(rest.slice(1))).map(({ text, ...entry }) => entry);
      return json(outgoing, 200, summary);
    }
    const server = servers[name];
    if (server === undefined) return json(outgoing, 502, { error: { message: `No server ${name}.` } });
    const body = await readBody(incoming);
    const [path = '', query = ''] = rest.split('?');
    const note = noteOf(incoming, path.slice(BASE.length), query, isStreaming(body));
    const fault = note.retry === 0 ? incoming.headers[FAULT_HEADER] : undefined;
    if (fault === 'unavailable') {
      seen.push({ ...note, status: 503 });
      return json(outgoing, 503, { error: { message: 'Not now.', type: 'server_error', param: null, code: null } });
    }
    const headers = { ...incoming.headers, host: new URL(server).host, connection: 'keep-alive' };
    const upstream = request(`${server}${rest}`, { method: incoming.method ?? 'GET', headers }, (answer) => {
      const entry = { ...note, status: answer.statusCode ?? 0, headers: answer.headers };
      seen.push(entry);
      answer.setEncoding('utf8').on('data', (text) => {
        entry.text += text;
      });
      if (fault === 'lose') return void answer.resume().on('end', () => incoming.socket.destroy());
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      answer.pipe(outgoing);
    });
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('close', () => upstream.destroy());
    upstream.end(body);
  }

  const http = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch((error) => outgoing.destroy(error));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    recorded,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
}

function noteOf(incoming: IncomingMessage, path: string, query: string, streams: boolean): Recorded {
  const method = incoming.method ?? 'GET';
  return {
    case: String(incoming.headers[CASE_HEADER] ?? ''),
    agent: String(incoming.headers['user-agent']),
    ...{ method, path, query, operation: operationOf(method, path, streams) },
    retry: Number(incoming.headers['x-stainless-retry-count'] ?? 0),
    ...{ status: 0, headers: {}, text: '' },
  };
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function isStreaming(body: Buffer): boolean {
  return body.length > 0 && (JSON.parse(body.toString()) as { stream?: unknown }).stream === true;
}

function json(outgoing: ServerResponse, status: number, body: unknown): void {
  outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
