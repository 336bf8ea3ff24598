import type { Command } from 'commander';
import pc from 'picocolors';
import { loadConfig } from '../config.ts';
import { HoldfastError } from '../errors.ts';
import type { Finding } from '../server/doctor.ts';
import { processTerminal, type Terminal, wantsColor } from './terminal.ts';

/** `holdfast doctor`: looks at everything a server needs and says what to do about each; may run beside one. */
export function addDoctorCommand(program: Command, terminal: Terminal = processTerminal()): void {
  program
    .command('doctor')
    .description('Check Node, configuration, database, Temporal, worker and routes, and say what to do about each.')
    .option('--adopt-namespace', 'let this journal take the Temporal namespace it is pointed at for its own')
    .option('--repair', 'mend each run about which journal and Temporal disagree')
    .action((options: DoctorOptions) => doctor(terminal, options))
    .addHelpText(
      'after',
      `
A journal remembers the namespace its runs live in, and rebuilds nothing in another one. After Temporal was moved or restored
under a new identity, --adopt-namespace lets the next look adopt it, and active runs are rebuilt there.

Every active run is compared with its workflow, and every running workflow with its run; each that disagrees is named, with what
either says. With --repair it is mended as a server mends it by itself, and is named all the same.

Exits 1 when something must (still) be done.

Examples:
  $ holdfast doctor
  $ holdfast doctor --repair
  $ TEMPORAL_ADDRESS=temporal.internal:7233 holdfast doctor --adopt-namespace`,
    );
}

type DoctorOptions = { adoptNamespace?: boolean; repair?: boolean };

async function doctor(terminal: Terminal, options: DoctorOptions): Promise<void> {
  const config = loadConfig(terminal.env, terminal.cwd);
  const { examine } = await import('../server/doctor.ts');
  const findings = await examine(config, {
    adoptNamespace: options.adoptNamespace === true,
    repair: options.repair === true,
  });
  const colors = pc.createColors(wantsColor(terminal, terminal.stdout));
  const mark = (finding: Finding) => (finding.ok ? colors.green('ok  ') : colors.red('FAIL'));
  for (const finding of findings) {
    if (!terminal.stdout.isTTY) terminal.stdout.write(`${JSON.stringify(finding)}\n`);
    else
      terminal.stdout.write(
        `${mark(finding)} ${finding.check.padEnd(14)} ${finding.says}${finding.todo ? `\n     → ${finding.todo}` : ''}\n`,
      );
  }
  const failed = [...new Set(findings.filter((finding) => !finding.ok).map((finding) => finding.check))];
  if (failed.length > 0)
    throw new HoldfastError('doctor.found', `Something is to be done about: ${failed.join(', ')}.`);
}
