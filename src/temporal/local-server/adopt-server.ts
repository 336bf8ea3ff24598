import { type DataFiles, databaseIsComplete } from './data-files.ts';
import { type LocalTemporal, type LocalTemporalExit, STOP_GRACE_MS, type StartOptions } from './local-temporal.ts';
import {
  commandLine,
  endProcess,
  isSame,
  type ProcessIdentity,
  processesWhere,
  processStart,
} from './process-identity.ts';
import { waitUntilReady } from './readiness.ts';
import { LOCAL_SEARCH_ATTRIBUTES, servesDatabase } from './server-settings.ts';
import { readState, removeState, type ServerState } from './state-file.ts';

/** How long a server that was left behind may take to answer: it may have been started a moment before the kill. */
const ADOPT_TIMEOUT_MS = 10_000;
/** No parent is told when a process that is not its child ends, so it is asked. */
const WATCH_EVERY_MS = 250;

/**
 * Takes over the server that an earlier process left behind on this database, if the state file proves it ours and it answers
 * within ADOPT_TIMEOUT_MS. Ends every other server on this database: two on one SQLite file would corrupt each other's runs.
 */
export async function adoptServer(files: DataFiles, options: StartOptions): Promise<LocalTemporal | undefined> {
  const state = await readState(files.state);
  const ours = state && (await provenOurs(state, files)) ? state : undefined;
  for (const pid of await processesWhere((line) => servesDatabase(line, files.db))) {
    const start = pid === ours?.pid ? undefined : await processStart(pid);
    if (start === undefined) continue;
    options.log.warn({ pid }, 'ending a Temporal server on our database that no state file vouches for');
    await endProcess({ pid, start }, STOP_GRACE_MS);
  }
  if (!ours) return undefined;

  const started = performance.now();
  const identity = { pid: ours.pid, start: ours.processStart };
  const watch = watchProcess(identity);
  const { namespace = 'default', searchAttributes = LOCAL_SEARCH_ATTRIBUTES } = options;
  const { port, uiPort, pid } = ours;
  const readiness = await waitUntilReady({
    port,
    namespace,
    searchAttributes,
    timeoutMs: ADOPT_TIMEOUT_MS,
    signal: watch.ended,
  });
  if (!readiness.ready) {
    options.log.warn({ pid, port, why: readiness.why }, 'ending the Temporal server left behind: it does not answer');
    await endProcess(identity, STOP_GRACE_MS);
    await removeState(files.state, pid);
    return undefined;
  }
  await databaseIsComplete(files);
  const address = `127.0.0.1:${port}`;
  const uiUrl = `http://127.0.0.1:${uiPort}`;
  const tookMs = Math.round(performance.now() - started);
  options.log.info({ pid, address, uiUrl, serverVersion: readiness.serverVersion, tookMs }, 'Temporal server adopted');
  const stop = async (): Promise<void> => {
    watch.expectEnd();
    await endProcess(identity, STOP_GRACE_MS);
    watch.end('stopped');
    await removeState(files.state, pid);
  };
  return { address, uiUrl, port, uiPort, pid, adopted: true, stop, exited: watch.exited };
}

async function provenOurs(state: ServerState, files: DataFiles): Promise<boolean> {
  if (state.dbFile !== files.db) return false;
  if (!(await isSame({ pid: state.pid, start: state.processStart }))) return false;
  return servesDatabase(await commandLine(state.pid), files.db);
}

interface ProcessWatch {
  exited: Promise<LocalTemporalExit>;
  ended: AbortSignal;
  /** The end that follows is ours. */
  expectEnd(): void;
  end(how: string): void;
}

function watchProcess(identity: ProcessIdentity): ProcessWatch {
  let expected = false;
  const ended = new AbortController();
  const { promise: exited, resolve } = Promise.withResolvers<LocalTemporalExit>();
  const end = (how: string): void => {
    clearInterval(timer);
    ended.abort();
    resolve({ expected, how });
  };
  const timer = setInterval(() => {
    isSame(identity).then(
      (same) => same || end('its process is gone'),
      (error: unknown) => end(`its process cannot be observed: ${String(error)}`),
    );
  }, WATCH_EVERY_MS).unref();
  const expectEnd = (): void => {
    expected = true;
  };
  return { exited, ended: ended.signal, expectEnd, end };
}
