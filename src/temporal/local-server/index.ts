import { type FindOptions, findTemporalCli } from './find-cli.ts';
import type { LocalTemporal, StartOptions } from './local-temporal.ts';
import { superviseLocalTemporal } from './supervise-server.ts';

export { findTemporalCli, type TemporalCli } from './find-cli.ts';
export {
  DEFAULT_PORT,
  DEFAULT_UI_PORT,
  type LocalTemporal,
  type LocalTemporalExit,
  type LocalTemporalLog,
} from './local-temporal.ts';
export { LOCAL_SEARCH_ATTRIBUTES } from './server-settings.ts';

export type LocalTemporalOptions = Omit<StartOptions, 'cli' | 'exactPort'> & FindOptions;

/**
 * A local Temporal server on `dataDir`, found or obtained, started or adopted, kept running until `stop`. Progress of a download
 * or build goes to `onProgress`. Throws `temporal.no_server`, `temporal.start_failed`, `temporal.not_ready`, `temporal.no_port`.
 */
export async function localTemporal(options: LocalTemporalOptions): Promise<LocalTemporal> {
  const cli = await findTemporalCli(options);
  options.log.info({ ...cli }, 'Temporal CLI found');
  return superviseLocalTemporal({ ...options, cli });
}
