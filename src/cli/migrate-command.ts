import type { Command } from 'commander';
import { loadConfig } from '../config.ts';
import { processTerminal, type Terminal } from './terminal.ts';

/** `holdfast migrate`: brings the database to this version; may run beside a server. */
export function addMigrateCommand(program: Command, terminal: Terminal = processTerminal()): void {
  program
    .command('migrate')
    .description('Bring the database to this version. Servers do so themselves when they start.')
    .action(() => migrate(terminal))
    .addHelpText('after', '\nExamples:\n  $ holdfast migrate');
}

async function migrate(terminal: Terminal): Promise<void> {
  const { openJournal } = await import('../server/open-journal.ts');
  const journal = await openJournal(loadConfig(terminal.env, terminal.cwd));
  const ran = journal.migrated.join(', ');
  await journal.close();
  terminal.stdout.write(ran === '' ? 'the database is up to date\n' : `migrated: ${ran}\n`);
}
