import { HoldfastError, isHoldfastError } from '../../errors.ts';
import { adoptServer } from './adopt-server.ts';
import { dataFiles, prepareDatabase } from './data-files.ts';
import { isFree, nextFreePort } from './free-port.ts';
import { launchServer } from './launch-server.ts';
import { DEFAULT_PORT, DEFAULT_UI_PORT, type LocalTemporal, type StartOptions } from './local-temporal.ts';

/** The server binds four more ports of its own choice and loses a race for one now and then. */
const PORT_RACES = 3;
const PORT_LOST = /address already in use|can't (set|use default) .*port/;

/**
 * Gives a ready server on `dataDir`: the one that an earlier process left behind there, or a new one. A server found on
 * this database that does not answer is ended first. Throws `temporal.start_failed` or `temporal.not_ready` with the last
 * lines of the server's log, `temporal.no_port`, `temporal.port_taken` with `exactPort`.
 */
export async function startLocalTemporal(options: StartOptions): Promise<LocalTemporal> {
  const files = await dataFiles(options.dataDir);
  const found = await adoptServer(files, options);
  if (found) return found;
  await prepareDatabase(files);
  for (let race = 1; ; race++) {
    try {
      return await launchServer(files, options, await choosePorts(options));
    } catch (error) {
      if (race === PORT_RACES || !isHoldfastError(error, 'temporal.start_failed') || !PORT_LOST.test(error.message))
        throw error;
      options.log.warn({ race }, 'Temporal lost a race for a port; starting it again');
    }
  }
}

async function choosePorts(options: StartOptions): Promise<{ port: number; uiPort: number }> {
  const { log, port: wanted = DEFAULT_PORT, uiPort: wantedUi = DEFAULT_UI_PORT } = options;
  if (options.exactPort && !(await isFree(wanted))) {
    throw new HoldfastError(
      'temporal.port_taken',
      `Port ${wanted} of the local Temporal server is taken by another process.`,
    );
  }
  const port = options.exactPort ? wanted : await nextFreePort(wanted);
  const uiPort = await nextFreePort(wantedUi, [port]);
  if (port !== wanted) log.warn({ wanted, port }, `port ${wanted} is taken; Temporal listens on ${port}`);
  if (uiPort !== wantedUi)
    log.warn({ wanted: wantedUi, uiPort }, `port ${wantedUi} is taken; the Web UI is on ${uiPort}`);
  return { port, uiPort };
}
