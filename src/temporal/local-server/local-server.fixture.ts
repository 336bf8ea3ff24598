import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { findTemporalCli, type TemporalCli } from './find-cli.ts';
import { nextFreePort } from './free-port.ts';
import type { LocalTemporalLog, StartOptions } from './local-temporal.ts';
import { commandLine, endProcess, processesWhere, processStart } from './process-identity.ts';
import { servesDatabase } from './server-settings.ts';

/** Long enough for a first `go build` of the server on a machine that has nothing. */
export const FIND_TIMEOUT_MS = 20 * 60_000;
const WAIT_BOUND_MS = 20_000;
const POLL_MS = 20;
const END_GRACE_MS = 3_000;

const directories: string[] = [];
const processes: { pid: number; start: string }[] = [];

/** The CLI that the tests of this file start; prints where it was found. */
export async function cliForTests(): Promise<TemporalCli> {
  const cli = await findTemporalCli({ onProgress: (line) => console.log(line) });
  console.log(`needs a Temporal CLI: ${cli.path} (${cli.source}, ${cli.version})`);
  return cli;
}

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-local-server-'));
  directories.push(directory);
  return directory;
}

/** Options of a server on a new data directory with ports of its own, and what it logged. */
export async function startOptions(cli: {
  path: string;
  version: string;
}): Promise<StartOptions & { lines: string[] }> {
  const lines: string[] = [];
  const log: LocalTemporalLog = {
    info: (_fields, message) => void lines.push(`info ${message}`),
    warn: (_fields, message) => void lines.push(`warn ${message}`),
    error: (_fields, message) => void lines.push(`error ${message}`),
  };
  const port = await nextFreePort(randomInt(20_000, 40_000));
  const uiPort = await nextFreePort(port + 1);
  return { dataDir: join(await temporaryDirectory(), 'data'), cli, log, lines, port, uiPort };
}

/** Starts a script of the test's own, ended by `cleanUp` at the latest. */
export async function spawnOwn(
  command: string,
  args: string[],
  env?: NodeJS.ProcessEnv,
): Promise<ChildProcess & { pid: number }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: env ?? process.env });
  if (child.pid === undefined) throw new Error(`${command} did not start`);
  await remember(child.pid);
  return Object.assign(child, { pid: child.pid });
}

/** Marks a process that the test caused for `cleanUp`. */
export async function remember(pid: number): Promise<void> {
  const start = await processStart(pid);
  if (start) processes.push({ pid, start });
}

/** Ends what this file started, and only that: remembered processes, servers on its own temporary databases. */
export async function cleanUp(): Promise<void> {
  const owned = directories.splice(0);
  for (const identity of processes.splice(0)) await endProcess(identity, END_GRACE_MS);
  for (const directory of owned) {
    const db = join(directory, 'data', 'temporal.db');
    for (const pid of await processesWhere((line) => servesDatabase(line, db))) {
      const start = await processStart(pid);
      if (start) await endProcess({ pid, start }, END_GRACE_MS);
    }
    await rm(directory, { recursive: true, force: true });
  }
}

/** Sends SIGKILL to a server of the test, after a look that it is one, and waits until it is gone. */
export async function killServer(pid: number): Promise<void> {
  if (!(await commandLine(pid)).includes('holdfast-local-server-'))
    throw new Error(`${pid} is no server of these tests`);
  process.kill(pid, 'SIGKILL');
  await until(async () => (await processStart(pid)) === undefined, `the end of ${pid}`);
}

/** Polls until `condition` holds; fails after a bound, naming what was waited for. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + WAIT_BOUND_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${WAIT_BOUND_MS} ms in vain for ${what}`);
    await sleep(POLL_MS);
  }
}

/** The first line that a child prints. */
export async function firstLineOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await until(() => text.includes('\n'), 'the first line of a child process');
  return text.slice(0, text.indexOf('\n'));
}

export async function withClient<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

/** Writes an executable shell script and returns its path. */
export async function writeScript(directory: string, name: string, body: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, name);
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}
