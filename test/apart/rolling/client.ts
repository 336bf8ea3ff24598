/** A client behind a load balancer: asks any of the servers, and what fails for want of one once more, at another. */
import { setTimeout as delay } from 'node:timers/promises';
import { parseEvents, type SeenEvent } from '../../support/events.ts';
import { TEST_KEY } from '../../support/run-holdfast.ts';
import type { Answer, TestServer } from '../../support/server.ts';

/** What says that this server, at this time, cannot: the client may come again. */
const COME_AGAIN = new Set([502, 503, 504]);

export type Tally = {
  requests: number;
  /** What was tried a second time, by why. */
  retried: Record<string, number>;
  /** Streams that ended before their run: by the server in good order, or with the connection. */
  streamsEnded: number;
  streamsBroken: number;
};

export type Sent = { body?: unknown; key?: string; headers?: Record<string, string> };

export class BalancedClient {
  readonly tally: Tally = { requests: 0, retried: {}, streamsEnded: 0, streamsBroken: 0 };
  readonly #servers: TestServer[];
  #next = 0;

  constructor(servers: TestServer[]) {
    this.#servers = servers;
  }

  /** A whole answer. `key` is its idempotency key. Throws when it fails for the second time. */
  async request(method: string, path: string, sent: Sent = {}): Promise<Answer> {
    return await this.#once(`${method} ${path}`, async (server) => {
      const response = await this.#send(server, method, path, sent);
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.startsWith('application/json');
      return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
    });
  }

  /** An answer that is a stream, its body unread. */
  async open(method: string, path: string, sent: Sent = {}): Promise<Response> {
    return await this.#once(`${method} ${path}`, (server) => this.#send(server, method, path, sent));
  }

  /**
   * Reads a run's events to the one that is wanted, or to the run's end; wherever a stream ends before, goes on at another server after
   * the last event that came, as a browser does. `first` is a stream that is open already.
   */
  async follow(
    runId: string,
    seen: SeenEvent[],
    wanted: (event: SeenEvent) => boolean,
    first?: Response,
  ): Promise<SeenEvent> {
    for (let response = first; ; response = undefined) {
      // Half of the clients say where they were as a browser does, half as the contract's own.
      const last = seen.at(-1)?.seq ?? 0;
      const [query, headers] = this.#next % 2 === 0 ? [`?after_seq=${last}`, {}] : ['', { 'last-event-id': `${last}` }];
      response ??= await this.open('GET', `/v1/runs/${runId}/events${query}`, { headers });
      if (response.status !== 200) throw new Error(`events of ${runId}: ${response.status} ${await response.text()}`);
      const found = await this.#read(response, seen, wanted);
      if (found) return found;
    }
  }

  async #read(
    response: Response,
    seen: SeenEvent[],
    wanted: (event: SeenEvent) => boolean,
  ): Promise<SeenEvent | undefined> {
    const body = (response.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for (;;) {
        const { value, done } = await body.read();
        if (done) break;
        rest += decoder.decode(value, { stream: true });
        const end = rest.lastIndexOf('\n\n') + 2;
        if (end === 1) continue;
        const events = parseEvents(rest.slice(0, end));
        rest = rest.slice(end);
        seen.push(...events);
        const found = events.find(wanted);
        if (!found) continue;
        await body.cancel();
        return found;
      }
      this.tally.streamsEnded++;
    } catch {
      this.tally.streamsBroken++;
    }
    return undefined;
  }

  async #once<T extends { status: number; headers: Headers }>(
    what: string,
    send: (server: TestServer) => Promise<T>,
  ): Promise<T> {
    const at = this.#next++;
    this.tally.requests++;
    const first = await attempt(() => send(this.#server(at)));
    if ('answer' in first) return first.answer;
    this.tally.retried[first.why] = (this.tally.retried[first.why] ?? 0) + 1;
    await delay(first.retryAfterMs);
    const second = await attempt(() => send(this.#server(at + 1)));
    if ('answer' in second) return second.answer;
    throw new Error(`${what} failed twice: ${first.why}, then ${second.why}`);
  }

  #server(at: number): TestServer {
    return this.#servers[at % this.#servers.length] as TestServer;
  }

  #send(server: TestServer, method: string, path: string, { body, key, headers }: Sent): Promise<Response> {
    return server.open(method, path, {
      ...{ body, key: TEST_KEY },
      headers: { ...headers, ...(key === undefined ? {} : { 'idempotency-key': key }) },
    });
  }
}

type Attempt<T> = { answer: T } | { why: string; retryAfterMs: number };

async function attempt<T extends { status: number; headers: Headers; json?: { code?: string } }>(
  send: () => Promise<T>,
): Promise<Attempt<T>> {
  try {
    const answer = await send();
    const busy = answer.status === 409 && answer.json?.code === 'idempotency.in_progress';
    if (!busy && !COME_AGAIN.has(answer.status)) return { answer };
    const retryAfterMs = Number(answer.headers.get('retry-after') ?? 0) * 1_000;
    return { why: String(answer.status), retryAfterMs };
  } catch (error) {
    const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
    return { why: code ?? message, retryAfterMs: 0 };
  }
}
