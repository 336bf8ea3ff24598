import type { Command } from 'commander';
import { readEnvironment } from '../config.ts';
import { createLog } from '../log.ts';
import { processTerminal, type Terminal } from './terminal.ts';
import { untilStopped } from './until-stopped.ts';

/** `holdfast temporal`: the local Temporal server alone, for a look at its runs or for other programs. */
export function addTemporalCommand(program: Command, terminal: Terminal = processTerminal()): void {
  program
    .command('temporal')
    .description('Run only the local Temporal server on the data directory: found, downloaded or built, then started.')
    .action(() => serveTemporal(terminal))
    .addHelpText(
      'after',
      `
Prints \`temporal ready <address> <web ui>\` on standard output. A \`holdfast start\` on the same data directory has its own.

Examples:
  $ holdfast temporal
  $ HOLDFAST_TEMPORAL_PORT=7400 holdfast temporal`,
    );
}

async function serveTemporal(terminal: Terminal): Promise<void> {
  const environment = readEnvironment(terminal.env, terminal.cwd);
  const log = createLog(environment.logLevel);
  const stop = untilStopped(log);
  const { lockDataDir, prepareDataDir } = await import('../server/data-dir.ts');
  const { localTemporal } = await import('../temporal/local-server/index.ts');
  prepareDataDir(environment.dataDir);
  const unlock = lockDataDir(environment.dataDir);
  const server = await stop.during((signal) =>
    localTemporal({
      dataDir: environment.dataDir,
      port: environment.localPort,
      uiPort: environment.localUiPort,
      namespace: environment.temporal.namespace,
      log,
      signal,
      onProgress: (line) => void terminal.stderr.write(`${line}\n`),
    }),
  );
  if (server) {
    terminal.stdout.write(`temporal ready ${server.address} ${server.uiUrl}\n`);
    await stop.stopped;
    await server.stop();
  }
  unlock();
  stop.done();
}
