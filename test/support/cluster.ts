/** Holdfast apart: processes of `holdfast api` and `holdfast worker` on one PostgreSQL database and the suite's Temporal cluster. */
import { inject } from 'vitest';
import { randomText } from '../../src/ids.ts';
import { createLog } from '../../src/log.ts';
import { Engine } from '../../src/temporal/engine.ts';
import { openLink, type TemporalLink } from '../../src/temporal/link.ts';
import { createDatabase } from './postgres-database.ts';
import type { Env } from './run-holdfast.ts';
import { startServer, type TestServer } from './server.ts';
import { until } from './until.ts';

/** A busy machine has taken 18 s. */
const READY_WITHIN_MS = 60_000;

export type Cluster = {
  apis: TestServer[];
  workers: TestServer[];
  /** The worker that works on the run's step now. */
  workerOf(runId: string): Promise<TestServer>;
  /** Waits until Temporal has seen the worker ask for tasks, after a restart. */
  untilPolling(worker: TestServer): Promise<void>;
  close(): Promise<void>;
};

/** Starts all of them at the same time, on an empty database unless `env` names one, and waits until runs can make progress. */
export async function openCluster(options: {
  apis: number;
  workers: number;
  env?: Env;
  /** The text of holdfast.yaml, the same for all. */
  yaml?: string;
}): Promise<Cluster> {
  const env = {
    ...{ DATABASE_URL: options.env?.DATABASE_URL ?? (await createDatabase()) },
    ...{ TEMPORAL_ADDRESS: inject('temporalAddress'), HOLDFAST_TASK_QUEUE: `apart-${randomText(8)}`, ...options.env },
  };
  const started: TestServer[] = [];
  const start = async (command: 'api' | 'worker') => {
    const server = await startServer({ command, env, ...(options.yaml === undefined ? {} : { yaml: options.yaml }) });
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
    await until(isReady, 'the cluster is ready', READY_WITHIN_MS).catch((error: Error) => {
      throw new Error(`${error.message}; the workers said:\n${said()}`);
    });
    const untilPolling = (worker: TestServer) => polls(link, env.HOLDFAST_TASK_QUEUE, worker);
    return { apis, workers, close, workerOf: (runId) => workerOf(link, workers, runId), untilPolling };
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

async function polls(link: TemporalLink, queue: string, worker: TestServer): Promise<void> {
  const { connection } = await link.connected();
  const asked = { namespace: link.namespace, taskQueue: { name: queue } };
  for (const taskQueueType of [1, 2]) {
    const isSeen = async () => {
      const { pollers } = await connection.workflowService.describeTaskQueue({ ...asked, taskQueueType });
      return (pollers ?? []).some(({ identity }) => identity?.startsWith(`${worker.pid}@`));
    };
    await until(isSeen, 'the worker polls', READY_WITHIN_MS).catch((error: Error) => {
      throw new Error(`${error.message}; it said:\n${worker.stderr}`);
    });
  }
}
