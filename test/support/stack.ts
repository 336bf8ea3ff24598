/**
 * A whole Holdfast in this process, on a real database, for tests that look inside: the parts that `holdfast start` puts
 * together, each within reach. With the suite's Temporal server it has a worker; without one, what is accepted stays queued.
 */
import { inject } from 'vitest';
import { createApp } from '../../src/api/app.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { randomText } from '../../src/ids.ts';
import { createLog, type Log } from '../../src/log.ts';
import { openModels } from '../../src/models/open-models.ts';
import type { RouteConfig } from '../../src/models/types.ts';
import { createKey } from '../../src/runs/keys.ts';
import type { Scope } from '../../src/runs/types.ts';
import { dialectsOf } from '../../src/server/dialects.ts';
import { type Core, openCore } from '../../src/server/open-core.ts';
import { observeJournal } from '../../src/telemetry/observe-journal.ts';
import { observeModels } from '../../src/telemetry/observe-models.ts';
import { openTelemetry, type Telemetry } from '../../src/telemetry/telemetry.ts';
import { openLink, type TemporalLink } from '../../src/temporal/link.ts';
import { openToolbox } from '../../src/tools/toolbox.ts';
import { bundleWorkflows } from '../../worker/bundle.ts';
import { type RunningWorker, runWorker } from '../../worker/run-worker.ts';
import { installRuntime } from '../../worker/runtime.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { openTestJournal, removeDatabaseOf, type TestJournal } from './test-journal.ts';

export type StackOptions = {
  /** `suite`: the server of the test run; `none`: nothing listens there. Default `suite`. */
  temporal?: 'suite' | 'none' | { address: string };
  /** Default true with a Temporal server. */
  worker?: boolean;
  routes?: RouteConfig[];
  /** Overrides of what holdfast.yaml says. */
  file?: Partial<Config['file']>;
  /** Reopen an earlier stack's data. */
  dataDir?: string;
  taskQueue?: string;
  /** The Temporal server counts as this data directory's own: when its runs are gone they are rebuilt. Default true. */
  ownServer?: boolean;
  /** Default: to standard error, at the level of HOLDFAST_LOG. */
  log?: Log;
  /** The environment that says where traces go; default: nowhere. */
  telemetry?: NodeJS.ProcessEnv;
};

export type Stack = Core & {
  app: ReturnType<typeof createApp>;
  journal: TestJournal;
  link: TemporalLink;
  config: Config;
  worker: RunningWorker | undefined;
  telemetry: Telemetry;
  /** A token of organisation A with scope admin, and one of organisation B. */
  key: string;
  otherKey: string;
  makeKey(options: { org: string; scopes?: Scope[]; expires_at?: number }): Promise<{ token: string; id: string }>;
  revokeKey(id: string): Promise<void>;
  /** A request to the app as the key's owner, `body` as JSON. */
  send(method: string, path: string, options?: SendOptions): Promise<Response>;
  /** Closes everything and removes the data, unless it is to be reopened. */
  close(options?: { keep?: boolean }): Promise<void>;
};

export type SendOptions = { body?: unknown; key?: string; headers?: Record<string, string> };

let bundle: ReturnType<typeof bundleWorkflows> | undefined;

export async function openStack(options: StackOptions = {}): Promise<Stack> {
  const directory = options.dataDir ? { path: options.dataDir, remove: () => undefined } : temporaryDirectory();
  const taskQueue = options.taskQueue ?? `test-${randomText(8)}`;
  const env = {
    HOLDFAST_DATA_DIR: directory.path,
    HOLDFAST_TASK_QUEUE: taskQueue,
    HOLDFAST_LOG: process.env.HOLDFAST_LOG ?? 'silent',
  };
  const loaded = loadConfig(env, directory.path);
  const config: Config = {
    ...loaded,
    file: { ...loaded.file, ...(options.routes ? { routes: options.routes } : {}), ...options.file },
  };
  const log = options.log ?? createLog(config.logLevel);
  const telemetry = await openTelemetry(log, options.telemetry ?? {});
  telemetry.metrics.addSource(await installRuntime(log));
  const journal = observeJournal(await openTestJournal(directory.path), telemetry, log);
  const models = await openModels(config.file.routes, observeModels(telemetry));
  const temporal = options.temporal ?? 'suite';
  const address = temporal === 'none' ? NOBODY : temporal === 'suite' ? inject('temporalAddress') : temporal.address;
  const link = openLink({ namespace: 'default', address: Promise.resolve(address), log });
  const tools = openToolbox(config.file, log);
  const core = openCore({
    config,
    journal,
    models,
    tools,
    link,
    ownServer: options.ownServer ?? true,
    uiUrl: () => null,
    telemetry,
    log,
  });
  let worker: RunningWorker | undefined;
  if (temporal !== 'none') {
    core.relay.start();
    if (options.worker !== false) {
      bundle ??= bundleWorkflows(log);
      const workflowBundle = await bundle;
      worker = runWorker({ link, taskQueue, workflowBundle, activities: core.activities, handover: HANDOVER, log });
    }
  }
  const app = createApp(core.holdfast, dialectsOf(config.file), {
    log,
    version: '0.0.0-test',
    telemetry,
    limits: config.file.limits,
  });
  const makeKey = ({ org, scopes = ['admin'], expires_at }: { org: string; scopes?: Scope[]; expires_at?: number }) =>
    createKey(journal, { org_id: org, scopes, expires_at: expires_at ?? null });
  const key = (await makeKey({ org: 'org_a' })).token;
  const otherKey = (await makeKey({ org: 'org_b' })).token;
  return {
    ...core,
    ...{ app, journal, link, config, worker, telemetry, key, otherKey, makeKey },
    revokeKey: async (id) => void (await journal.write('revokeKey', { id })),
    send: async (method, path, sent = {}) =>
      await app.request(path, {
        method,
        ...(sent.body === undefined ? {} : { body: JSON.stringify(sent.body) }),
        headers: { authorization: `Bearer ${sent.key ?? key}`, ...sent.headers },
      }),
    async close({ keep = false } = {}) {
      await worker?.close();
      await core.close();
      await tools.close();
      await link.close();
      await journal.close();
      await telemetry.tracing.close();
      if (keep) return;
      await removeDatabaseOf(directory.path);
      directory.remove();
    },
  };
}

/** A step at work when a test ends is not waited for. */
const HANDOVER = { repeatableMs: 500, sideEffectsMs: 500 };

/** A port of this machine on which nothing listens. */
const NOBODY = '127.0.0.1:9';
