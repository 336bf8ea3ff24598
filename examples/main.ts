/** `npm run example <name>`: plays an example. Exit code 0 only if its runs went as it says. */
import { join } from 'node:path';
import { failureLine } from '../src/cli/failure-line.ts';
import { processTerminal } from '../src/cli/terminal.ts';
import { HoldfastError } from '../src/errors.ts';
import { examples } from './index.ts';
import { runExample } from './run-example.ts';

// The commands in a holdfast.yaml are started from here, wherever this was called from.
process.chdir(join(import.meta.dirname, '..'));

const [name] = process.argv.slice(2);
const example = examples.find((it) => it.name === name);
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stopped.abort(new HoldfastError('example.stopped', 'the example was stopped')));
}
try {
  if (!example) {
    const names = examples.map((it) => it.name).join(', ');
    throw new HoldfastError('example.unknown', `name an example, as in npm run example approval; there are: ${names}`);
  }
  await runExample(example, processTerminal(), stopped.signal);
} catch (error) {
  process.stderr.write(`${failureLine(error)}\n`);
  process.exitCode = 1;
}
