/** A stub of ours as a process on a port of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isRunning } from '../../support/is-running.ts';
import type { Victim } from './form.ts';

export type Stub = Victim & { close(): Promise<void> };

/** Starts `stubs/<file>` with its port and log, and waits until it says that it is ready. */
export async function startStub(
  file: string,
  options: { name: string; weight: number; port: number; log: string },
): Promise<Stub> {
  const path = fileURLToPath(new URL(`../stubs/${file}`, import.meta.url));
  let child: ChildProcess | undefined;
  const end = () => void child?.kill('SIGKILL');
  process.once('exit', end);
  const stub: Stub = {
    name: options.name,
    weight: options.weight,
    kinds: ['kill', 'freeze'],
    async restart() {
      child = spawn(process.execPath, [path, String(options.port), options.log], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ready = once(child.stdout as NodeJS.ReadableStream, 'data');
      const ended = once(child, 'exit').then(() =>
        Promise.reject(new Error(`${options.name} ended before it was ready`)),
      );
      await Promise.race([ready, ended]);
    },
    async kill() {
      if (!isRunning(child)) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
    async freeze() {
      child?.kill('SIGSTOP');
    },
    async thaw() {
      child?.kill('SIGCONT');
    },
    async close() {
      process.off('exit', end);
      await stub.kill();
    },
  };
  await stub.restart();
  return stub;
}
