/** Runs the Python suite in a process of its own and gives its results, which it prints as JSON lines. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { outputOf } from '../../support/process-output.ts';

const SUITE = fileURLToPath(new URL('../python/suite.py', import.meta.url));

/** One test of the suite: its name is a sentence; `error` is a traceback. */
export type PythonResult = { case: string; ok: boolean; ms: number; error?: string };

export type PythonSuite = {
  /** The result of a test; rejects when the process ends without one. */
  result(name: string): Promise<PythonResult>;
  /** Ends the process, if it still runs. */
  stop(): Promise<void>;
};

/** The names of the suite's tests, in order. */
export async function listPythonTests(python: string): Promise<string[]> {
  return JSON.parse(await output(python, ['-B', SUITE, '--list'])) as string[];
}

/** What the SDK sees of a thread: its messages, runs, and the steps of each run, as JSON. */
export async function observeInPython(python: string, world: object, threadId: string): Promise<unknown> {
  return JSON.parse(await output(python, ['-B', SUITE, '--observe', threadId, JSON.stringify(world)]));
}

/** Starts all tests of the suite; `world` tells them where the servers are. */
export function startPythonSuite(python: string, world: object): PythonSuite {
  const child = spawn(python, ['-B', SUITE, JSON.stringify(world)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const results = new Map<string, PythonResult>();
  const waiting = new Map<string, { resolve(result: PythonResult): void; reject(error: Error): void }>();
  let ended: string | undefined;
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const result = JSON.parse(line) as PythonResult;
    results.set(result.case, result);
    waiting.get(result.case)?.resolve(result);
  });
  const closed = once(child, 'close').then(([code, signal]) => {
    ended = `the Python suite ended (${signal ?? code}) without this test:\n${stderr}`;
    for (const [name, { reject }] of waiting) if (!results.has(name)) reject(new Error(ended));
  });
  return {
    result(name) {
      const known = results.get(name);
      if (known) return Promise.resolve(known);
      if (ended !== undefined) return Promise.reject(new Error(ended));
      return new Promise((resolve, reject) => waiting.set(name, { resolve, reject }));
    },
    async stop() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

async function output(command: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await outputOf(spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stderr}`);
  return stdout;
}
