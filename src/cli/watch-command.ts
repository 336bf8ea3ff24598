import { type Command, InvalidArgumentError } from 'commander';
import { addServerOptions, findServer, type ServerOptions } from './find-server.ts';
import { showRun } from './show-run.ts';
import { processTerminal, type Terminal } from './terminal.ts';

type Options = ServerOptions & { after: number; follow: boolean };

/** `holdfast watch <run_id>`: the events of a run that was started elsewhere or earlier. */
export function addWatchCommand(program: Command, terminal: Terminal = processTerminal()): void {
  const command = program
    .command('watch')
    .description(
      'Show the events of a run from its first one, and go on until it ends.\n\n' +
        'A lost connection is opened again after the last event; a gap in the events is an error. ' +
        'Exit code 1 when the run failed or was cancelled.',
    )
    .argument('<run_id>', 'id of the run')
    .option('--after <seq>', 'begin after this event', parseSeq, 0)
    .option('--no-follow', 'end after the events there are')
    .action((runId: string, options: Options) => watch(terminal, runId, options));
  addServerOptions(command).addHelpText(
    'after',
    `
Examples:
  $ holdfast watch run_01j…
  $ holdfast watch run_01j… --after 120
  $ holdfast watch run_01j… --no-follow | jq -r 'select(.type == "tool.call") | .data.name'`,
  );
}

function parseSeq(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('expected an integer of 0 or more.');
  return Number(text);
}

async function watch(terminal: Terminal, runId: string, { after, follow, url }: Options): Promise<void> {
  const client = findServer(terminal, { url });
  // The event stream waits for a server that is away; a first look does not, and names a run that there is not.
  await client.getRun(runId);
  await showRun(client, runId, terminal, { afterSeq: after, follow });
}
