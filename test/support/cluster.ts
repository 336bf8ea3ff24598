/** Holdfast apart: processes of `holdfast api` and `holdfast worker` on one PostgreSQL database and the suite's Temporal cluster. */
import { inject } from 'vitest';
import { randomText } from '../../src/ids.ts';
import { createLog } from '../../src/log.ts';
import { Engine } from '../../src/temporal/engine.ts';
import { openLink, type TemporalLink } from '../../src/temporal/link.ts';
import { createDatabase } from './postgres-database.ts';
import { type Env, startServer, type TestServer } from './server.ts';
import { until } from './until.ts';

export type Cluster = {
  apis: TestServer[];
  workers: TestServer[];
  /** The worker that works on the run's step now. */
  workerOf(runId: string): Promise<TestServer>;
  close(): Promise<void>;
};

/** Starts all of them at the same time, on an empty database unless `env` names one, and waits until runs can make progress. */
export async function openCluster(options: { apis: number; workers: number; env?: Env }): Promise<Cluster> {
  const env = {
    ...{ DATABASE_URL: options.env?.DATABASE_URL ?? (await createDatabase()) },
    ...{ TEMPORAL_ADDRESS: inject('temporalAddress'), HOLDFAST_TASK_QUEUE: `apart-${randomText(8)}`, ...options.env },
  };
  const started: TestServer[] = [];
  const start = async (command: 'api' | 'worker') => {
    const server = await startServer({ command, env });
    started.push(server);
    return server;
  };
  const log = createLog('silent');
  const address = Promise.resolve(env.TEMPORAL_ADDRESS);
  const link = openLink({ namespace: 'default', address, log });
  const engine = new Engine(link, env.HOLDFAST_TASK_QUEUE);
  const close = async () => {
    await Promise.all(started.map((server) => server.close()));
    await link.close();
  };
  try {
    const [apis, workers] = await Promise.all([
      Promise.all(Array.from({ length: options.apis }, () => start('api'))),
      Promise.all(Array.from({ length: options.workers }, () => start('worker'))),
    ]);
    const said = () => workers.map((worker) => worker.stderr).join('\n');
    await link.connected();
    const isReady = async () => (await engine.pollers()) === options.workers;
    await until(isReady, 'the cluster is ready', 30_000).catch((error: Error) => {
      throw new Error(`${error.message}; the workers said:\n${said()}`);
    });
    return { apis, workers, close, workerOf: (runId) => workerOf(link, workers, runId) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Temporal knows a worker as `<pid>@<host>`. */
async function workerOf(link: TemporalLink, workers: TestServer[], runId: string): Promise<TestServer> {
  const { client } = await link.connected();
  const { raw } = await client.workflow.getHandle(runId).describe();
  const identity = raw.pendingActivities?.[0]?.lastWorkerIdentity ?? '';
  const worker = workers.find(({ pid }) => identity.startsWith(`${pid}@`));
  if (!worker) throw new Error(`no worker of ours is ${identity}`);
  return worker;
}
