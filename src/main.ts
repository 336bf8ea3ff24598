#!/usr/bin/env node
/** The `holdfast` command. */
import { Command } from 'commander';
import { addClientCommands } from './cli/client-commands.ts';
import { failureLine } from './cli/failure-line.ts';
import { addServerCommands } from './cli/server-commands.ts';
import { VERSION } from './version.ts';

const program = new Command('holdfast')
  .description('Runs agents durably: a REST API over Temporal, with every event stored before it is seen.')
  .version(VERSION)
  .showHelpAfterError('(holdfast --help lists the commands)');
addServerCommands(program);
addClientCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${failureLine(error)}\n`);
  // Temporal's native runtime would keep a process alive that never came to use it.
  process.exit(1);
}
