/** A terminal for tests: what a command wrote, and what is typed to it. */
import { PassThrough } from 'node:stream';
import { Command } from 'commander';
import { failureLine } from './failure-line.ts';
import type { Terminal } from './terminal.ts';

export type TestTerminal = Terminal & { stdin: PassThrough; stdout: PassThrough; stderr: PassThrough };

export function testTerminal(env: NodeJS.ProcessEnv, isTTY = false, cwd = '/'): TestTerminal {
  const stream = () => Object.assign(new PassThrough({ highWaterMark: 16 * 1024 * 1024 }), { isTTY });
  return { env: { NO_COLOR: '1', ...env }, cwd, stdin: stream(), stdout: stream(), stderr: stream() };
}

/** What was written to `stream` since the last call. */
export function written(stream: PassThrough): string {
  let text = '';
  for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) text += chunk;
  return text;
}

/** Runs `holdfast <args>` as main.ts does: the exit code, with the failure's line on standard error. */
export async function runCommand(
  add: (program: Command, terminal: Terminal) => void,
  terminal: TestTerminal,
  args: string[],
): Promise<number> {
  const program = new Command('holdfast').exitOverride();
  add(program, terminal);
  for (const command of program.commands) {
    command.exitOverride().configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
    });
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof Error && 'exitCode' in error) return Number(error.exitCode); // commander has said it
    terminal.stderr.write(`${failureLine(error)}\n`);
    return 1;
  }
}
