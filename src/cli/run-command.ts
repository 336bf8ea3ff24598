import type { Command } from 'commander';
import { addServerOptions, findServer, type ServerOptions } from './find-server.ts';
import { showRun } from './show-run.ts';
import { processTerminal, type Terminal } from './terminal.ts';

type Options = ServerOptions & { thread?: string; persona?: string; model?: string };

/** `holdfast run "<text>"`: starts a run and shows it to its end. */
export function addRunCommand(program: Command, terminal: Terminal = processTerminal()): void {
  const command = program
    .command('run')
    .description(
      'Start a run on a running server and show its events until it ends.\n\n' +
        'On a terminal, what the run asks of its human is asked here; otherwise the request is printed with the ' +
        'command that answers it. Events are lines for people on a terminal, else one JSON object a line. ' +
        'Ending this command does not end the run. Exit code 0 when the run completed.',
    )
    .argument('<text>', 'the message for the model; with the demo model it may be a script, see the examples')
    .option('--thread <thread_id>', 'go on in this thread instead of a new one')
    .option('--persona <key>', 'who answers: `key` or `key@version`')
    .option('--model <name>', "a route's id, alias or model")
    .action((text: string, options: Options) => startAndShow(terminal, text, options));
  addServerOptions(command).addHelpText(
    'after',
    `
Examples:
  $ holdfast run "What is a fast way to hold on?"
  $ holdfast run "/ask Tea or coffee?" --model demo
  $ holdfast run $'/say Here it comes.\\n/stream chunks=50 delay_ms=20' --model demo
  $ holdfast run "and then?" --thread thread_01j… | jq .type`,
  );
}

async function startAndShow(terminal: Terminal, text: string, options: Options): Promise<void> {
  const client = findServer(terminal, options);
  const { run_id, thread_id } = await client.createRun(
    { input: text, persona_id: options.persona, model: options.model },
    options.thread,
  );
  terminal.stderr.write(`${run_id} on ${thread_id}; see it again with: holdfast watch ${run_id}\n`);
  await showRun(client, run_id, terminal, { ask: true });
}
