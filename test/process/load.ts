/** Many clients at once: every request on a connection of its own, as fast as the machine makes them. */
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { TEST_KEY } from '../support/run-holdfast.ts';
import type { TestServer } from '../support/server.ts';

export type Loaded = {
  /** How many answers of each status, and of each error of a connection. */
  counts: Record<string, number>;
  /** Answers that refuse without saying when to come again. */
  withoutRetryAfter: number;
  /** Ids of the runs that were accepted. */
  accepted: string[];
  ms: number;
};

/** Sends `count` creates of one body at the same time, and reads every answer. */
export async function createAtOnce(server: TestServer, count: number, body: object, key = TEST_KEY): Promise<Loaded> {
  const began = performance.now();
  const agent = new Agent({ keepAlive: false });
  const sent = Buffer.from(JSON.stringify(body));
  const loaded: Loaded = { counts: {}, withoutRetryAfter: 0, accepted: [], ms: 0 };
  await Promise.all(
    Array.from({ length: count }, async () => {
      const { status, retryAfter, run_id } = await create(server, agent, sent, key);
      loaded.counts[status] = (loaded.counts[status] ?? 0) + 1;
      if (run_id !== undefined) loaded.accepted.push(run_id);
      else if (retryAfter === undefined) loaded.withoutRetryAfter++;
    }),
  );
  loaded.ms = performance.now() - began;
  return loaded;
}

type Created = { status: string; retryAfter?: string; run_id?: string };

function create(server: TestServer, agent: Agent, body: Buffer, key: string): Promise<Created> {
  return new Promise((resolve) => {
    const outgoing = request(`${server.url}/v1/runs`, {
      ...{ method: 'POST', agent },
      headers: { authorization: `Bearer ${key}`, 'content-length': body.length },
    });
    outgoing.on('response', async (incoming) => {
      const answer = await text(incoming);
      const retryAfter = incoming.headers['retry-after'];
      resolve({
        status: String(incoming.statusCode),
        ...(retryAfter === undefined ? {} : { retryAfter }),
        ...(incoming.statusCode === 201 ? { run_id: JSON.parse(answer).run_id as string } : {}),
      });
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve({ status: error.code ?? error.message }));
    outgoing.end(body);
  });
}
