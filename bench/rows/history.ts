import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { Measure, Row } from '../measure.ts';
import type { Stage } from '../stage.ts';

const POLL_MS = 20;

/** What Temporal stores of a one-turn run, beside a bare workflow. */
export const history: Row = {
  name: 'history',
  async measure(stage: Stage): Promise<Measure[]> {
    const { url, key, temporalAddress } = await stage.server();
    const taskQueue = await stage.bare();
    const run = await stage.load.ask('runs', { url, key, count: 1, concurrency: 1 });
    const bare = await stage.load.ask('bare', { address: temporalAddress, taskQueue, count: 1, concurrency: 1 });
    const connection = await Connection.connect({ address: temporalAddress });
    try {
      const client = new Client({ connection });
      const ours = await closed(client, run.lastId);
      const theirs = await closed(client, bare.lastId);
      return [
        { what: 'history events', unit: '', holdfast: ours.events, bare: theirs.events },
        { what: 'history bytes', unit: 'B', holdfast: ours.bytes, bare: theirs.bytes },
      ];
    } finally {
      await connection.close();
    }
  },
};

async function closed(client: Client, workflowId: string): Promise<{ events: number; bytes: number }> {
  for (;;) {
    const { status, historyLength, historySize } = await client.workflow.getHandle(workflowId).describe();
    if (status.name !== 'RUNNING') return { events: historyLength, bytes: historySize ?? Number.NaN };
    await delay(POLL_MS);
  }
}
