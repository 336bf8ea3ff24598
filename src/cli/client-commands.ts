/** The commands that speak to a running server, and the demo. */
import type { Command } from 'commander';
import { addAnswerCommand } from './answer-command.ts';
import { addCancelCommand } from './cancel-command.ts';
import { addDemoCommand } from './demo-command.ts';
import { addRunCommand } from './run-command.ts';
import { addRunsCommand } from './runs-command.ts';
import { processTerminal, type Terminal } from './terminal.ts';
import { addWatchCommand } from './watch-command.ts';

/** Adds run, runs, watch, answer, cancel and demo. Their actions throw; `failureLine` says what to print then. */
export function addClientCommands(program: Command, terminal: Terminal = processTerminal()): void {
  for (const add of [addRunCommand, addRunsCommand, addWatchCommand, addAnswerCommand, addCancelCommand]) {
    add(program, terminal);
  }
  addDemoCommand(program, terminal);
}
