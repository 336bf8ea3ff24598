/** The commands that serve, and those that work on the data of a server. */
import type { Command } from 'commander';
import { addDoctorCommand } from './doctor-command.ts';
import { addKeysCommand } from './keys-command.ts';
import { addMigrateCommand } from './migrate-command.ts';
import { addServeCommands } from './serve-commands.ts';
import { addTemporalCommand } from './temporal-command.ts';
import { processTerminal, type Terminal } from './terminal.ts';

/** Adds start, api, worker, temporal, migrate, keys and doctor. Their actions throw; `failureLine` says what to print. */
export function addServerCommands(program: Command, terminal: Terminal = processTerminal()): void {
  for (const add of [addServeCommands, addTemporalCommand, addMigrateCommand, addKeysCommand, addDoctorCommand]) {
    add(program, terminal);
  }
}
