import type { Command } from 'commander';
import { addServerOptions, findServer, type ServerOptions } from './find-server.ts';
import { processTerminal, type Terminal } from './terminal.ts';

/** `holdfast cancel <run_id>`: asks a run to stop. */
export function addCancelCommand(program: Command, terminal: Terminal = processTerminal()): void {
  const command = program
    .command('cancel')
    .description(
      'Cancel a run: its model, tools and waiting stop, and it ends with run.cancelled.\n\n' +
        'May be repeated; a run that has ended stays as it is.',
    )
    .argument('<run_id>', 'id of the run')
    .action((runId: string, options: ServerOptions) => cancel(terminal, runId, options));
  addServerOptions(command).addHelpText(
    'after',
    `
Examples:
  $ holdfast cancel run_01j…
  $ holdfast cancel run_01j… && holdfast watch run_01j…`,
  );
}

async function cancel(terminal: Terminal, runId: string, options: ServerOptions): Promise<void> {
  await findServer(terminal, options).cancel(runId);
  terminal.stdout.write(`${runId} is asked to stop\n`);
}
