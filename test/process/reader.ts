/** A client that watches a run's events over HTTP and keeps every byte. */
import { parseEvents, type SeenEvent } from '../support/events.ts';
import type { SendOptions, TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';

export const TERMINAL = ['run.completed', 'run.failed', 'run.cancelled'];
export const isTerminal = (event: SeenEvent) => TERMINAL.includes(event.type);

export type WatchOptions = SendOptions & { query?: string };

/** Reads in the background from the moment the server answers. Throws when it does not answer 200. */
export async function watch(server: TestServer, runId: string, options: WatchOptions = {}): Promise<Reader> {
  const { query = '', ...sent } = options;
  const response = await server.open('GET', `/v1/runs/${runId}/events${query}`, sent);
  if (response.status !== 200) throw new Error(`events: ${response.status} ${await response.text()}`);
  return new Reader(response);
}

export class Reader {
  /** Whole frames as they came, comments left out. */
  text = '';
  readonly events: SeenEvent[] = [];
  /** `performance.now()` at which each event arrived. */
  readonly arrivedAt: number[] = [];
  /** How the stream ended: by the server, or with the connection. */
  end: 'closed' | 'broken' | undefined;
  readonly #body: ReadableStreamDefaultReader<Uint8Array>;

  constructor(response: Response) {
    this.#body = (response.body as ReadableStream<Uint8Array>).getReader();
    void this.#read();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for (;;) {
        const { value, done } = await this.#body.read();
        if (done) break;
        rest += decoder.decode(value, { stream: true });
        const end = rest.lastIndexOf('\n\n');
        if (end < 0) continue;
        this.#take(rest.slice(0, end + 2));
        rest = rest.slice(end + 2);
      }
      this.end = 'closed';
    } catch {
      this.end = 'broken';
    }
  }

  #take(text: string): void {
    this.text += text
      .split(/(?<=\n\n)/)
      .filter((frame) => !frame.startsWith(':'))
      .join('');
    for (const event of parseEvents(text)) {
      this.events.push(event);
      this.arrivedAt.push(performance.now());
    }
  }

  /** The first event that satisfies `wanted`, which must come in time. */
  async until(wanted: (event: SeenEvent) => boolean, what: string, timeoutMs = 15_000): Promise<SeenEvent> {
    return await this.#seen(until(() => this.events.find(wanted), what, timeoutMs));
  }

  /** What came instead is said with the error. */
  async #seen<T>(awaited: Promise<T>): Promise<T> {
    return await awaited.catch((error: Error) => {
      const seen = this.events.map((event) => event.type).join(', ');
      throw new Error(`${error.message}; ${this.end ?? 'open'}, seen: ${seen}`);
    });
  }

  untilType(type: string, timeoutMs?: number): Promise<SeenEvent> {
    return this.until((event) => event.type === type, type, timeoutMs);
  }

  /** Waits for the server to end the stream. */
  async untilClosed(timeoutMs = 20_000): Promise<this> {
    await this.#seen(until(() => this.end === 'closed', 'the stream ends', timeoutMs));
    return this;
  }

  /** When the event of that type arrived. */
  timeOf(type: string): number {
    return this.arrivedAt[this.events.findIndex((event) => event.type === type)] ?? Number.NaN;
  }

  async close(): Promise<void> {
    await this.#body.cancel();
  }
}

export type Started = { run_id: string; thread_id: string };

/** Posts a run on a thread of its own. */
export async function postRun(server: TestServer, input: string, more: object = {}): Promise<Started> {
  const { status, json, text } = await server.request('POST', '/v1/runs', { input, ...more });
  if (status !== 201) throw new Error(`POST /v1/runs: ${status} ${text}`);
  return json;
}

/** Everything from the first event to the end of the run. */
export async function wholeStory(server: TestServer, runId: string, timeoutMs?: number): Promise<Reader> {
  return await (await watch(server, runId)).untilClosed(timeoutMs);
}

export async function statusOf(server: TestServer, runId: string): Promise<string> {
  return (await server.request('GET', `/v1/runs/${runId}`)).json.status;
}
