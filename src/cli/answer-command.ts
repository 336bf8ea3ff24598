import type { Command } from 'commander';
import { addServerOptions, findServer, type ServerOptions } from './find-server.ts';
import { processTerminal, type Terminal } from './terminal.ts';

type Options = ServerOptions & { request?: string };

/** `holdfast answer <run_id> <text>`: answers what a run waits for. */
export function addAnswerCommand(program: Command, terminal: Terminal = processTerminal()): void {
  const command = program
    .command('answer')
    .description(
      'Answer a run that waits for its human.\n\n' +
        'A question takes any text; an approval takes approve, deny or "deny: <reason>"; a budget takes stop, raise or ' +
        '\'raise {"max_turns": 100}\'; an unknown outcome takes retry, skip or "result: <text>".',
    )
    .argument('<run_id>', 'id of the run')
    .argument('<text>', 'the answer')
    .option('--request <request_id>', 'which request, when the run waits for several')
    .action((runId: string, text: string, options: Options) => answer(terminal, runId, text, options));
  addServerOptions(command).addHelpText(
    'after',
    `
Examples:
  $ holdfast runs --status waiting_for_input
  $ holdfast answer run_01j… "Tea, please."
  $ holdfast answer run_01j… "deny: not on a Friday" --request input_01j…`,
  );
}

async function answer(terminal: Terminal, runId: string, text: string, { request, url }: Options): Promise<void> {
  await findServer(terminal, { url }).answer(runId, { content: text, ...(request && { request_id: request }) });
  terminal.stdout.write(`${runId} has its answer\n`);
}
