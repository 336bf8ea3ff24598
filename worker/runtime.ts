/** Temporal's runtime: one per process, shared by client and worker. */
import { createServer } from 'node:net';
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { temporalMetricsAt } from '../src/telemetry/temporal-metrics.ts';

/** Another process may take the port that was just seen free. */
const PORTS_TO_TRY = 5;
const HOST = '127.0.0.1';

let installed: Promise<() => Promise<string>> | undefined;

/**
 * Installs the runtime, once per process: our own signal handler shuts down, its logs go through ours. Gives the way to read what it
 * counts. The native part does the counting and tells it on a port of 127.0.0.1; the SDK's other way hands every single count to
 * JavaScript, which would cost the event loop more than the steps themselves.
 */
export function installRuntime(log: Logger): Promise<() => Promise<string>> {
  installed ??= install(log, PORTS_TO_TRY);
  return installed;
}

async function install(log: Logger, tries: number): Promise<() => Promise<string>> {
  const address = `${HOST}:${await freePort()}`;
  try {
    installAt(log, address);
  } catch (error) {
    if (tries <= 1 || !/address already in use/i.test((error as Error).message)) throw error;
    return await install(log, tries - 1);
  }
  return temporalMetricsAt(address, log);
}

function installAt(log: Logger, address: string): void {
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;
  Runtime.install({
    shutdownSignals: [],
    telemetryOptions: {
      // The native part logs to standard output unless it is forwarded, and that is for `holdfast ready` alone.
      logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }), forward: {} },
      metrics: {
        prometheus: { bindAddress: address, useSecondsForDurations: true, unitSuffix: true, countersTotalSuffix: true },
      },
    },
    // A workflow's id is its run's.
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const run = meta?.workflowId === undefined ? {} : { run_id: meta.workflowId };
      log[levels[level]]({ ...(meta?.error ? { error: String(meta.error) } : {}), ...run }, message);
    }),
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: HOST, port: 0 }, resolve);
  });
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
