import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { toFrames } from './frames.ts';
import type { Reply, Wire } from './reply.ts';

export type { Reply, Wire } from './reply.ts';

const COMMENT_EVERY_MS = 20;
/** A reset throws away what the client has not read yet, so a cut waits until also a busy one has read the deltas. */
const CUT_AFTER_MS = 300;

/** One request as it arrived. */
export type WireRequest = {
  wire: Wire;
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: Record<string, unknown>;
  /** Whether the answer was sent to its end. */
  completed: boolean;
  /** When the request's connection or answer closed (`performance.now()`); resolves also when the client went away. */
  closed: Promise<number>;
};

/** Answers, one a request; the last one repeats. Or a function of the request and its number on that wire, from 0. */
export type Script = Reply[] | ((request: WireRequest, index: number) => Reply);

export type WireServer = {
  /** The address for `base_url`, `/v1` included. */
  url: string;
  /** Every request, in order of arrival. */
  requests: WireRequest[];
  /** Resolves with request number `index`, once it has arrived. */
  request(index: number): Promise<WireRequest>;
  /** How many connections clients have opened. */
  connections(): number;
  /** Replaces the script of a wire, counting its requests from 0 again. */
  script(wire: Wire, script: Script): void;
  close(): Promise<void>;
};

const WIRE_BY_PATH: Record<string, Wire> = {
  '/v1/responses': 'openai',
  '/v1/chat/completions': 'openai-compatible',
  '/v1/messages': 'anthropic',
};

/**
 * A model provider on 127.0.0.1 that speaks three wires at once (OpenAI Responses, chat completions, Anthropic messages, all
 * streaming) and answers by script:
 *
 *     const wire = await startWire({ openai: [{ http: { status: 429, headers: { 'retry-after': '1' } } }, { text: ['Hel', 'lo'] }] });
 *     // a route {provider: 'openai', base_url: wire.url, api_key: 'any', model: 'gpt-4.1-mini'}
 *     wire.requests[0].body.tools …
 *     await wire.close();
 *
 * A wire without a script, and any other path, answers 404. `keepRequests: false` is for a server that answers for hours.
 */
export async function startWire(
  scripts: Partial<Record<Wire, Script>> = {},
  { port = 0, keepRequests = true }: { port?: number; keepRequests?: boolean } = {},
): Promise<WireServer> {
  const byWire = new Map(Object.entries(scripts) as [Wire, Script][]);
  const counts = new Map<Wire, number>();
  const requests: WireRequest[] = [];
  const arrivals = new Set<() => void>();

  const server = createServer(async (incoming, response) => {
    const body = await readJson(incoming);
    const path = (incoming.url ?? '').split('?')[0] ?? '';
    const wire = WIRE_BY_PATH[path];
    const script = wire && byWire.get(wire);
    if (!wire || !script) return void response.writeHead(404).end(`No script for ${path}.`);
    const closed = new Promise<number>((resolve) => response.once('close', () => resolve(performance.now())));
    const request: WireRequest = { wire, path, headers: incoming.headers, body, completed: false, closed };
    const index = counts.get(wire) ?? 0;
    counts.set(wire, index + 1);
    response.once('finish', () => {
      request.completed = true;
    });
    if (keepRequests) requests.push(request);
    for (const arrived of arrivals) arrived();
    const reply = typeof script === 'function' ? script(request, index) : (script[index] ?? script.at(-1) ?? {});
    await answer(response, wire, reply, String(body.model));
  });
  let connections = 0;
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    connections: () => connections,
    request: (index) =>
      new Promise((resolve) => {
        const look = () => {
          const found = requests[index];
          if (!found) return;
          arrivals.delete(look);
          resolve(found);
        };
        arrivals.add(look);
        look();
      }),
    script(wire, script) {
      byWire.set(wire, script);
      counts.delete(wire);
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

async function answer(response: ServerResponse, wire: Wire, reply: Reply, model: string): Promise<void> {
  if (reply.http) {
    const { status, headers, body = '' } = reply.http;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, {
      'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
      ...headers,
    });
    return void response.end(text);
  }
  if (reply.fault === 'mute') return;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  if (reply.fault === 'comments') return comment(response);
  const frames = reply.raw ? { open: [], deltas: reply.raw, error: [], finish: [] } : toFrames(wire, reply, model);
  response.write(frames.open.join(''));
  for (const delta of frames.deltas) {
    if (reply.delayMs) await sleep(reply.delayMs);
    if (response.closed) return;
    if (!response.write(delta)) await drained(response);
  }
  response.write(frames.error.join(''));
  if (reply.fault === 'silent') return;
  if (reply.fault === 'cut') {
    await sleep(CUT_AFTER_MS);
    return void response.socket?.resetAndDestroy();
  }
  if (reply.fault !== 'end' && frames.error.length === 0) response.write(frames.finish.join(''));
  response.end();
}

function comment(response: ServerResponse): void {
  const timer = setInterval(() => response.write(': still working\n\n'), COMMENT_EVERY_MS);
  response.once('close', () => clearInterval(timer));
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      response.off('drain', settle).off('close', settle);
      resolve();
    };
    response.on('drain', settle).on('close', settle);
  });
}

async function readJson(incoming: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? {} : JSON.parse(text);
}
