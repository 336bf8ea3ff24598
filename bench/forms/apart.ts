/** `holdfast api` and `holdfast worker`, PostgreSQL, and a Temporal cluster on the same PostgreSQL server. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { heldBack } from '../../src/held-back.ts';
import { createDatabaseOn, onDatabase } from '../../test/support/postgres-database.ts';
import { startPostgres } from '../../test/support/postgres-server.ts';
import { startTemporalCluster } from '../../test/support/temporal-cluster.ts';
import { type Form, type Holdfast, KEY, type StartOptions } from './form.ts';
import { spawnHoldfast } from './holdfast-process.ts';

const WORKER_MS = 30_000;
const LOOK_EVERY_MS = 20;

/** Starts PostgreSQL and the cluster, which all its Holdfasts share; each has a database and a task queue of its own. */
export async function apart({ directory, providerUrl }: { directory: string; providerUrl: string }): Promise<Form> {
  const postgres = await startPostgres();
  const temporal = await startTemporalCluster({
    ...{ postgresUrl: postgres.url, prefix: 'bench_' },
    onProgress: (line) => console.error(`bench: ${line}`),
  });
  const configs = join(directory, 'apart');
  mkdirSync(configs, { recursive: true });

  async function start({ store, commitDelayMs }: StartOptions): Promise<Holdfast> {
    const database = store ?? (await createDatabaseOn(postgres.url, 'bench_'));
    if (commitDelayMs) await delayCommits(database, commitDelayMs);
    const env = {
      DATABASE_URL: database,
      TEMPORAL_ADDRESS: temporal.address,
      HOLDFAST_TASK_QUEUE: `bench-${new URL(database).pathname.slice(1)}`,
    };
    const began = performance.now();
    const api = spawnHoldfast('api', { directory: configs, providerUrl, env });
    const ready = heldBack(api.ready());
    const worker = spawnHoldfast('worker', { directory: configs, providerUrl, env });
    const stop = async () => void (await Promise.all([api.stop(), worker.stop()]));
    try {
      const url = await ready;
      await untilWorkerIsSeen(url);
      const pids = { api: api.pid, worker: worker.pid, temporal: temporal.pid, postgres: postgres.pid };
      const startMs = performance.now() - began;
      return { url, key: KEY, store: database, startMs, temporalAddress: temporal.address, pids, stop };
    } catch (error) {
      await stop();
      throw error;
    }
  }

  return {
    name: 'apart',
    start,
    async close() {
      await temporal.stop();
      await postgres.stop();
    },
  };
}

/** PostgreSQL's own delay before a commit is flushed, here in microseconds, for this database alone. */
async function delayCommits(database: string, ms: number): Promise<void> {
  const name = new URL(database).pathname.slice(1);
  await onDatabase(
    database,
    `alter database ${name} set commit_delay = ${ms * 1_000}`,
    `alter database ${name} set commit_siblings = 0`,
  );
}

async function untilWorkerIsSeen(url: string): Promise<void> {
  const until = performance.now() + WORKER_MS;
  while ((await fetch(`${url}/readyz`)).status !== 200) {
    if (performance.now() > until) throw new Error(`no worker was seen within ${WORKER_MS} ms`);
    await delay(LOOK_EVERY_MS);
  }
}
