/** Processes that a benchmark starts, and ends. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const END_MS = 15_000;

/** Starts a module of this folder as a process that is spoken to by messages; it ends when its channel closes. */
export function forkModule(path: string, args: string[] = []): ChildProcess {
  const child = fork(fileURLToPath(new URL(path, import.meta.url)), args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  endsWithUs(child);
  return child;
}

const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Kills the child when this process exits before it. */
export function endsWithUs(child: ChildProcess): void {
  alive.add(child);
  child.once('exit', () => alive.delete(child));
}

/** Ends a process: asked first by `ask`, and killed when it does not end. */
export async function end(child: ChildProcess, ask: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  ask();
  await gone;
  clearTimeout(timer);
}
