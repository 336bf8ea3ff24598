/** The native API as the examples call it: paths and bodies are the contract's own (`GET /docs` of a running server). */
import { type ConnectionOptions, connectionTo } from '../src/client/connection.ts';
import { followEvents } from '../src/client/follow-events.ts';
import type { RunEvent } from '../src/client/run-event.ts';

export type Api = {
  get<Answer>(path: string): Promise<Answer>;
  post<Answer>(path: string, body: object): Promise<Answer>;
  /** The run's events by SSE, from the first to the last, over as many connections as it takes. */
  events(runId: string, signal: AbortSignal): AsyncGenerator<RunEvent>;
};

/** Errors of all calls: the server's own refusals as HoldfastErrors, `client.unreachable`. */
export function openApi(options: ConnectionOptions): Api {
  const connection = connectionTo(options);
  const read = async <Answer>(response: Response) => (await response.json()) as Answer;
  return {
    get: async (path) => read(await connection.send('GET', path)),
    post: async (path, body) => read(await connection.send('POST', path, { body })),
    events: (runId, signal) => followEvents(connection, runId, { signal }),
  };
}
