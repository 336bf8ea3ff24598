import { spawn } from 'node:child_process';
import { HoldfastError } from '../../errors.ts';
import { type DataFiles, databaseIsComplete } from './data-files.ts';
import { type LocalTemporal, type LocalTemporalExit, STOP_GRACE_MS, type StartOptions } from './local-temporal.ts';
import { endProcess, processStart } from './process-identity.ts';
import { type Readiness, waitUntilReady } from './readiness.ts';
import { openServerLog, type ServerLog } from './server-log.ts';
import { LOCAL_SEARCH_ATTRIBUTES, startArguments } from './server-settings.ts';
import { removeState, writeState } from './state-file.ts';

/** A fresh server is ready within a second here; a slow disk takes longer to create the database. */
const READY_TIMEOUT_MS = 30_000;

/**
 * Starts a server of its own process group (Ctrl-C on our terminal must not end it before we drained), with its output in
 * the log file, and waits until it is ready.
 */
export async function launchServer(
  files: DataFiles,
  options: StartOptions,
  ports: { port: number; uiPort: number },
): Promise<LocalTemporal> {
  const { namespace = 'default', searchAttributes = LOCAL_SEARCH_ATTRIBUTES, cli, log } = options;
  const started = performance.now();
  const serverLog = await openServerLog(files.log);
  const settings = { ...ports, dbFile: files.db, namespace, searchAttributes };
  const child = spawn(cli.path, startArguments(settings), {
    detached: true,
    stdio: ['ignore', serverLog.fd, serverLog.fd],
  });
  serverLog.close();
  let stopping = false;
  const exited = new Promise<LocalTemporalExit>((resolve) => {
    const ended = (how: string): void => resolve({ expected: stopping, how });
    child.once('error', (error) => ended(error.message));
    child.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`));
  });
  child.unref();
  const pid = child.pid;
  const start = pid === undefined ? undefined : await processStart(pid);
  if (pid === undefined || start === undefined) throw await startFailed(options, (await exited).how, serverLog);

  await writeState(files.state, {
    ...{ pid, processStart: start, ...ports, dbFile: files.db, cli: cli.path, version: cli.version },
    startedAt: new Date().toISOString(),
  });
  const stop = async (): Promise<void> => {
    stopping = true;
    await endProcess({ pid, start }, STOP_GRACE_MS);
    child.ref(); // Its `exit` event is still to come.
    await exited;
    await removeState(files.state, pid);
  };

  const ended = new AbortController();
  const early = exited.then((exit): { early: string } => {
    ended.abort();
    return { early: exit.how };
  });
  const waiting = {
    port: ports.port,
    namespace,
    searchAttributes,
    timeoutMs: READY_TIMEOUT_MS,
    signal: AbortSignal.any(options.signal ? [ended.signal, options.signal] : [ended.signal]),
  };
  const outcome = await Promise.race([early, waitUntilReady(waiting)]);
  if ('early' in outcome) {
    await removeState(files.state, pid);
    throw await startFailed(options, outcome.early, serverLog);
  }
  if (!outcome.ready) {
    await stop();
    throw await notReady(outcome, performance.now() - started, serverLog);
  }
  await databaseIsComplete(files);
  const address = `127.0.0.1:${ports.port}`;
  const uiUrl = `http://127.0.0.1:${ports.uiPort}`;
  const tookMs = Math.round(performance.now() - started);
  log.info({ pid, address, uiUrl, serverVersion: outcome.serverVersion, tookMs }, 'Temporal server started');
  return { address, uiUrl, ...ports, pid, adopted: false, stop, exited };
}

async function startFailed({ cli, dataDir }: StartOptions, how: string, log: ServerLog): Promise<HoldfastError> {
  return new HoldfastError(
    'temporal.start_failed',
    `The local Temporal server (${cli.path}) ended while starting: ${how}. Its data are in ${dataDir}; ` +
      `\`temporal.db\` must be a database of a Temporal server no newer than this one. Last lines of ${log.path}:\n${await log.tail()}`,
  );
}

async function notReady(
  readiness: Readiness & { ready: false },
  waitedMs: number,
  log: ServerLog,
): Promise<HoldfastError> {
  return new HoldfastError(
    'temporal.not_ready',
    `The local Temporal server was not ready after ${Math.round(waitedMs / 1000)} s (${readiness.why}) and was ended. ` +
      `Is the disk or the machine overloaded? Try again, or set TEMPORAL_ADDRESS. Last lines of ${log.path}:\n${await log.tail()}`,
  );
}
