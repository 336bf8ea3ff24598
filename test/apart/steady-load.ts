/** A client that posts a run every so often, whatever happens to the servers meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
import { heldBack } from '../../src/held-back.ts';
import type { TestServer } from '../support/server.ts';

const EVERY_MS = 250;

export type SteadyLoad = {
  /** Posts through this server too, in turn with the others. */
  through(server: TestServer): void;
  /** What was answered with anything but 201, and the runs that were accepted. */
  stop(): Promise<{ refused: string[]; accepted: string[] }>;
};

export function startLoad(first: TestServer): SteadyLoad {
  const servers = [first];
  const stopping = new AbortController();
  const result = { refused: [] as string[], accepted: [] as string[] };
  // Told by `stop`; until then a server may have been closed by a test that failed.
  const sending = async () => {
    for (let i = 0; !stopping.signal.aborted; i++) {
      const server = servers[i % servers.length] as TestServer;
      const { status, json, text } = await server.request('POST', '/v1/runs', {
        input: '/stream chunks=20 delay_ms=20',
      });
      if (status === 201) result.accepted.push(json.run_id);
      else result.refused.push(`${status} ${text}`);
      await delay(EVERY_MS);
    }
  };
  const done = heldBack(sending());
  return {
    through: (server) => void servers.push(server),
    async stop() {
      stopping.abort();
      await done;
      return result;
    },
  };
}
