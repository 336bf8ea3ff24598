/** The native API as its own command line uses it. */
import type { Answer, Created, CreateRun, PendingInput, RunDetails, RunRow, RunStatus } from '../runs/types.ts';
import { answered, type Connection, type ConnectionOptions, connectionTo } from './connection.ts';
import { type EventsOptions, followEvents } from './follow-events.ts';
import type { RunEvent } from './run-event.ts';

export type RunsQuery = { limit?: number; before?: string; status?: RunStatus; thread_id?: string };

/**
 * A client of one server. Every method throws HoldfastErrors: the server's own code and message with `status` and `trace_id` in
 * `details`, or `client.unreachable` when there was no answer. Only `events` tries again.
 */
export class HoldfastClient {
  readonly baseUrl: string;
  readonly #connection: Connection;

  constructor(options: ConnectionOptions) {
    this.baseUrl = options.baseUrl.replace(/\/+$/, '');
    this.#connection = connectionTo(options);
  }

  /** Starts a run, on a thread of its own unless `threadId` names one. */
  async createRun(run: CreateRun, threadId?: string): Promise<Created> {
    if (threadId === undefined) return this.#json('POST', '/v1/runs', run);
    const created = await this.#json<Omit<Created, 'thread_id'>>('POST', `/v1/threads/${segment(threadId)}/runs`, run);
    return { ...created, thread_id: threadId };
  }

  /** Newest first. */
  async listRuns(query: RunsQuery = {}): Promise<RunRow[]> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    return this.#json('GET', `/v1/runs?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`);
  }

  async getRun(runId: string): Promise<RunDetails> {
    return this.#json('GET', `/v1/runs/${segment(runId)}`);
  }

  /** Repeatable; does nothing to a run that has ended. */
  async cancel(runId: string): Promise<void> {
    await this.#json('POST', `/v1/runs/${segment(runId)}:cancel`);
  }

  /** Answers an open request of the run. */
  async answer(runId: string, answer: Answer): Promise<void> {
    await this.#json('POST', `/v1/runs/${segment(runId)}/input`, answer);
  }

  /** The organisation's open requests, oldest first. */
  async inputs(): Promise<PendingInput[]> {
    return this.#json('GET', '/v1/inputs');
  }

  /** The run's events without a gap, over as many connections as it takes: see `followEvents`. */
  events(runId: string, options?: EventsOptions): AsyncGenerator<RunEvent> {
    return followEvents(this.#connection, runId, options);
  }

  async #json<Body>(method: string, path: string, body?: unknown): Promise<Body> {
    const response = await this.#connection.send(method, path, { body });
    return answered(this.baseUrl, () => response.json() as Promise<Body>);
  }
}

function segment(id: string): string {
  return encodeURIComponent(id);
}
