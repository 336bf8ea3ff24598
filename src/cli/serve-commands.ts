import type { Command } from 'commander';
import { loadConfig } from '../config.ts';
import { createLog } from '../log.ts';
import type { Role } from '../server/serve.ts';
import { processTerminal, type Terminal } from './terminal.ts';
import { untilStopped } from './until-stopped.ts';

const ROLES: { role: Role; description: string; help: string }[] = [
  {
    role: 'start',
    description:
      'Serve, all in one process: API, worker, SQLite unless DATABASE_URL is set, and a local Temporal server unless TEMPORAL_ADDRESS is.',
    help: `
Prints \`holdfast ready <address>\` on standard output when it is ready, logs on standard error, drains on SIGTERM or SIGINT.
The first API key is written to <data dir>/api-key.

Examples:
  $ holdfast start
  $ TEMPORAL_ADDRESS=temporal.internal:7233 HOLDFAST_PORT=8080 holdfast start`,
  },
  {
    role: 'api',
    description: 'Serve the API alone, beside workers: any number of them on one PostgreSQL database.',
    help: `
Needs DATABASE_URL; TEMPORAL_ADDRESS is 127.0.0.1:7233 where it is absent. Prints \`holdfast ready <address>\` on standard output when it
is ready. The first API key is HOLDFAST_API_KEY, or is written to <data dir>/api-key of the process that comes first.

Examples:
  $ DATABASE_URL=postgres://… TEMPORAL_ADDRESS=temporal.internal:7233 holdfast api`,
  },
  {
    role: 'worker',
    description: 'Run a worker alone, which takes the steps of runs: any number of them on one PostgreSQL database.',
    help: `
Needs DATABASE_URL; TEMPORAL_ADDRESS is 127.0.0.1:7233 where it is absent.

Examples:
  $ DATABASE_URL=postgres://… TEMPORAL_ADDRESS=temporal.internal:7233 holdfast worker`,
  },
];

/** `holdfast start`, `api` and `worker`: serve until told to stop. */
export function addServeCommands(program: Command, terminal: Terminal = processTerminal()): void {
  for (const { role, description, help } of ROLES) {
    program
      .command(role)
      .description(description)
      .action(() => serveUntilStopped(role, terminal))
      .addHelpText('after', help);
  }
}

async function serveUntilStopped(role: Role, terminal: Terminal): Promise<void> {
  const config = loadConfig(terminal.env, terminal.cwd);
  const log = createLog(config.logLevel);
  const stop = untilStopped(log);
  const { serve } = await import('../server/serve.ts');
  const serving = await stop.during((signal) =>
    serve(role, config, { log, signal, onProgress: (line) => void terminal.stderr.write(`${line}\n`) }),
  );
  if (!serving) return stop.done();
  if (serving.url) terminal.stdout.write(`holdfast ready ${serving.url}\n`);
  const why = await Promise.race([stop.stopped, serving.lost]);
  await serving.close({ othersTakeOver: why === 'SIGTERM' });
  if (why instanceof Error) throw why;
  stop.done();
}
