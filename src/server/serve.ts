/** A serving process in its three forms: everything in one, API alone, worker alone. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { buildOf } from '../../worker/build.ts';
import { bundleWorkflows } from '../../worker/bundle.ts';
import { type RunningWorker, runWorker } from '../../worker/run-worker.ts';
import { installRuntime } from '../../worker/runtime.ts';
import { openVersioning } from '../../worker/versioning.ts';
import { createApp } from '../api/app.ts';
import { serveApp } from '../api/serve.ts';
import { createWorkerApp } from '../api/worker-app.ts';
import type { Config } from '../config.ts';
import { HoldfastError } from '../errors.ts';
import { openModels } from '../models/open-models.ts';
import { observeJournal } from '../telemetry/observe-journal.ts';
import { observeModels } from '../telemetry/observe-models.ts';
import { openTelemetry } from '../telemetry/telemetry.ts';
import { openLink, type TemporalLink } from '../temporal/link.ts';
import { type LocalTemporal, localTemporal } from '../temporal/local-server/index.ts';
import { openToolbox } from '../tools/toolbox.ts';
import { VERSION } from '../version.ts';
import { Closers } from './closers.ts';
import { lockDataDir, prepareDataDir } from './data-dir.ts';
import { dialectsOf } from './dialects.ts';
import { ensureFirstKey } from './first-key.ts';
import { type Core, openCore } from './open-core.ts';
import { openJournal } from './open-journal.ts';
import { API_GRACE_MS, drained, handoverTimes } from './stop-times.ts';

export type Role = 'start' | 'api' | 'worker';

/** How long `ready` waits for a Temporal that runs elsewhere: without it the server serves all the same. */
const REMOTE_READY_MS = 3_000;
/** The same for the local one, which is known to run: its worker's first poll. */
const LOCAL_READY_MS = 15_000;
const DEFAULT_ADDRESS = '127.0.0.1:7233';
const POLL_MS = 20;

type ServeOptions = { log: Logger; signal: AbortSignal; onProgress: (line: string) => void };

export type Serving = {
  /** `http://host:port`; undefined for a worker. */
  url: string | undefined;
  /** Resolves when a part was lost that cannot be had again; the process should close and say so. */
  lost: Promise<Error>;
  /** `othersTakeOver`: whoever sends requests is given time to send them to other processes, where there can be others. */
  close(told: { othersTakeOver: boolean }): Promise<void>;
};

/**
 * Serves until closed; resolves when ready. `signal` aborts the start, and later tells that `close` comes next: `/readyz` says so. What was
 * opened is closed again when it fails.
 * Errors: one line that says what and where: `config.invalid`, `data_dir.in_use`, `http.port_in_use`, `journal.*`, `temporal.*`,
 * `workflows.unusable`.
 */
export async function serve(role: Role, config: Config, options: ServeOptions): Promise<Serving> {
  const closers = new Closers(options.log);
  try {
    const lost = Promise.withResolvers<Error>();
    const told = { at: 0, othersTakeOver: false };
    const drain = () => drained(config, told);
    const url = await open(role, config, { ...options, lost: lost.resolve, drain }, closers);
    options.signal.throwIfAborted();
    const close = ({ othersTakeOver }: { othersTakeOver: boolean }) => {
      Object.assign(told, { at: Date.now(), othersTakeOver });
      return closers.closeAll();
    };
    return { url, lost: lost.promise, close };
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

async function open(
  role: Role,
  config: Config,
  { log, signal, onProgress, lost, drain }: ServeOptions & { lost: (error: Error) => void; drain: () => Promise<void> },
  closers: Closers,
): Promise<string | undefined> {
  if (role !== 'start' && config.databaseUrl === undefined) {
    throw new HoldfastError(
      'config.invalid',
      `holdfast ${role} needs DATABASE_URL: SQLite belongs to one process (holdfast start).`,
    );
  }
  const telemetry = await openTelemetry(log);
  closers.add('the traces', () => telemetry.tracing.close());
  const models = await openModels(config.file.routes, observeModels(telemetry));
  const own = role === 'start' && config.temporal.address === undefined;
  // What lives in the directory belongs to one process. With database and Temporal elsewhere it holds a key at most.
  if (own || config.databaseUrl === undefined) {
    prepareDataDir(config.dataDir);
    closers.add('the data directory', lockDataDir(config.dataDir));
  }
  const journal = observeJournal(await openJournal(config, log), telemetry, log);
  closers.add('the journal', () => journal.close());
  void journal.lost.then(lost);
  if (role !== 'worker') await ensureFirstKey(journal, config, log);
  telemetry.metrics.addSource(await installRuntime(log));

  // Before anything is served: a process without it would take runs that never begin.
  const workflowBundle = role === 'api' ? undefined : await bundleWorkflows(log);
  signal.throwIfAborted();
  const address = Promise.withResolvers<string>();
  let server: LocalTemporal | undefined;
  closers.add('the Temporal server', () => server?.stop());
  const link = openLink({ ...config.temporal, address: address.promise, log });
  closers.add('the connection to Temporal', () => link.close());
  const tools = openToolbox(config.file, log);
  closers.add('the tools', () => tools.close());
  const uiUrl = () => server?.uiUrl ?? null;
  const core = openCore({ config, journal, models, tools, link, ownServer: own, uiUrl, telemetry, log });
  closers.add('the core', () => core.close());

  let url: string | undefined;
  if (role !== 'worker') {
    const app = createApp(core.holdfast, dialectsOf(config.file), {
      log,
      version: VERSION,
      telemetry,
      limits: config.file.limits,
    });
    const served = await serveApp(app, { host: config.host, port: config.port, log, stopping: signal });
    closers.add('the API', async () => {
      await drain();
      await served.close(API_GRACE_MS);
    });
    url = served.url;
  } else if (config.metricsPort !== undefined) {
    const served = await serveApp(createWorkerApp(telemetry, VERSION), {
      host: config.host,
      port: config.metricsPort,
      log,
      stopping: signal,
    });
    closers.add('the metrics', () => served.close(API_GRACE_MS));
    log.info({ url: served.url }, 'metrics are served');
  }
  if (own) {
    server = await startLocal(config, { log, signal, onProgress });
    void server.exited.then(({ expected, how }) => {
      if (!expected)
        lost(new HoldfastError('temporal.lost', `The local Temporal server ended (${how}) and cannot be restarted.`));
    });
  }
  address.resolve(server?.address ?? config.temporal.address ?? DEFAULT_ADDRESS);
  core.relay.start();
  let worker: RunningWorker | undefined;
  if (workflowBundle) {
    const { taskQueue } = config;
    // With a Temporal server or a journal of its own this process is the only one that polls, and the next version comes after it.
    const isAlone = own || config.databaseUrl === undefined;
    const versioning = isAlone ? undefined : openVersioning({ link, taskQueue, journal, build: buildOf(), log });
    const handover = handoverTimes(role);
    worker = runWorker({ link, taskQueue, workflowBundle, activities: core.activities, handover, versioning, log });
    closers.add('the worker', () => worker?.close());
  }
  await untilReady(link, core, worker, own ? LOCAL_READY_MS : REMOTE_READY_MS, signal);
  return url;
}

function startLocal(config: Config, options: ServeOptions): Promise<LocalTemporal> {
  return localTemporal({
    dataDir: config.dataDir,
    port: config.localPort,
    uiPort: config.localUiPort,
    namespace: config.temporal.namespace,
    ...options,
  });
}

/** Waits until Temporal is connected and the worker polls, but no longer than `limitMs`: the rest is for `/readyz` to say. */
async function untilReady(
  link: TemporalLink,
  core: Core,
  worker: RunningWorker | undefined,
  limitMs: number,
  signal: AbortSignal,
): Promise<void> {
  const until = Date.now() + limitMs;
  while (Date.now() < until) {
    signal.throwIfAborted();
    if (link.current() && (!worker || (await polls(core, worker)))) return;
    await delay(POLL_MS);
  }
}

/** Whether Temporal has seen the worker poll: before, its first tasks would wait. */
async function polls(core: Core, worker: RunningWorker): Promise<boolean> {
  if (worker.state() !== 'polling') return false;
  const { checks } = await core.holdfast.readiness();
  return checks.worker?.state === 'ok';
}
