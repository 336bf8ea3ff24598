/** A real Holdfast server as a process of its own, reached over HTTP alone, that may be stopped, killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { isSame, type ProcessIdentity } from '../../src/temporal/local-server/process-identity.ts';
import { readState } from '../../src/temporal/local-server/state-file.ts';
import { isRunning } from './is-running.ts';
import { type Env, type Finished, MAIN, ownEnv, runHoldfast, TEST_KEY } from './run-holdfast.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { databaseOf, STORE } from './test-journal.ts';
import { until } from './until.ts';

const READY_WITHIN_MS = 60_000;
/** The contract: a server has drained and exited this long after SIGTERM. */
const STOPPED_WITHIN_MS = 10_000;
const KILLED_WITHIN_MS = 5_000;
/** How long a freeze waits for the server's own transaction to end. */
const FROZEN_WITHIN_MS = 5_000;

export type ServerOptions = {
  /** Default `start`. A `worker` says nothing when it is ready: `/readyz` of an API does. */
  command?: 'start' | 'api' | 'worker';
  /** Start on an earlier server's data; it is not removed then. */
  dataDir?: string;
  env?: Env;
  /** The text of holdfast.yaml. */
  yaml?: string;
  /** What runs: this version unless another is named. */
  main?: string;
};
export type SendOptions = { body?: unknown; key?: string; headers?: Record<string, string>; signal?: AbortSignal };
/** A whole answer; `json` is undefined where the body is none. */
// biome-ignore lint/suspicious/noExplicitAny: what a test expects of the JSON it says itself
export type Answer = { status: number; headers: Headers; text: string; json: any };

/** Starts a server, on the store and in the form that the test run is for, and waits for its ready line. Throws with its standard error when that does not come. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const server = await createServer(options);
  try {
    await server.start();
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** Where a test names no command, `vitest.everywhere.config.ts` may want API and worker apart. */
async function createServer(options: ServerOptions): Promise<TestServer> {
  if (options.command !== undefined || process.env.HOLDFAST_TEST_FORM !== 'apart') return new TestServer(options);
  const { ApartServer } = await import('./apart-server.ts');
  return new ApartServer(options);
}

/** `await using server = await startServer()` ends it, its Temporal server and its directory with the test. */
export class TestServer implements AsyncDisposable {
  readonly dataDir: string;
  /** Its working directory: holds holdfast.yaml, where there is one. */
  readonly cwd: string;
  readonly env: Env;
  /** What the next start runs. */
  main: string;
  url = '';
  /** From spawn to the ready line, of the last start. */
  readyMs = 0;
  /** `performance.now()` of the last ready line. */
  readyAt = 0;
  stderr = '';
  readonly #command: NonNullable<ServerOptions['command']>;
  readonly #remove: () => void;
  #child: ChildProcess | undefined;
  #exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }> | undefined;
  readonly #killAtExit = () => this.#killNow();

  constructor(options: ServerOptions) {
    const directory = temporaryDirectory();
    this.#command = options.command ?? 'start';
    this.main = options.main ?? MAIN;
    this.#remove = directory.remove;
    this.cwd = join(directory.path, 'cwd');
    this.dataDir = options.dataDir ?? join(directory.path, 'data');
    mkdirSync(this.cwd);
    if (options.yaml !== undefined) writeFileSync(join(this.cwd, 'holdfast.yaml'), options.yaml);
    this.env = { ...ownEnv(this.dataDir), ...options.env };
    process.once('exit', this.#killAtExit);
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('no server was started');
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return isRunning(this.#child);
  }

  /** Spawns the process without waiting for anything. */
  spawn(): void {
    const child = spawn(process.execPath, [this.main, this.#command], {
      ...{ cwd: this.cwd, env: this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stderr.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.#exited = once(child, 'close').then(([code, signal]) => ({ code, signal }));
    this.#child = child;
  }

  async start(): Promise<void> {
    if (STORE === 'postgres') this.env.DATABASE_URL ??= await databaseOf(this.dataDir);
    const began = performance.now();
    this.spawn();
    if (this.#command === 'worker') return;
    const lines = createInterface({ input: this.#child?.stdout as NodeJS.ReadableStream });
    const ready = new Promise<string>((resolve) => {
      lines.on('line', (line) => {
        const url = /^holdfast ready (http:\S+)$/.exec(line)?.[1];
        if (url) resolve(url);
      });
    });
    const ended = this.exited().then(({ code, signal }) => {
      throw new Error(`the server ended before it was ready (${signal ?? code}):\n${this.stderr}`);
    });
    this.url = await bounded(Promise.race([ready, ended]), READY_WITHIN_MS, () => `no ready line:\n${this.stderr}`);
    this.readyAt = performance.now();
    this.readyMs = this.readyAt - began;
  }

  /** Resolves when the process has ended. */
  exited(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    if (!this.#exited) throw new Error('no server was started');
    return this.#exited;
  }

  /** SIGTERM; throws unless it exits with 0 within 10 s. Gives the milliseconds it took. */
  async stop(): Promise<number> {
    const began = performance.now();
    process.kill(this.pid, 'SIGTERM');
    const { code, signal } = await bounded(this.exited(), STOPPED_WITHIN_MS, () => `not stopped:\n${this.stderr}`);
    if (code !== 0) throw new Error(`stopped with ${signal ?? code}:\n${this.stderr}`);
    return performance.now() - began;
  }

  /** SIGKILL to the process; its Temporal server goes on. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.exited();
  }

  /** SIGKILL to the process and its Temporal server, both at once. */
  async killEverything(): Promise<void> {
    const temporal = await this.#temporal();
    this.#child?.kill('SIGKILL');
    await killAndWait(temporal);
    await this.exited();
  }

  /** Starts again on the same data, after a stop or a kill. */
  async restart(): Promise<void> {
    await this.start();
  }

  /**
   * Stops the process in its tracks until `thaw`: it mends nothing by itself meanwhile. Never within a transaction on SQLite, whose lock
   * would keep every other writer out: it is held here while the signal is sent.
   */
  freeze(): void {
    if (STORE !== 'sqlite') {
      process.kill(this.pid, 'SIGSTOP');
      return;
    }
    const db = new DatabaseSync(join(this.dataDir, 'holdfast.db'), { timeout: FROZEN_WITHIN_MS });
    db.exec('BEGIN IMMEDIATE');
    process.kill(this.pid, 'SIGSTOP');
    db.exec('ROLLBACK');
    db.close();
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async temporalPid(): Promise<number | undefined> {
    return (await this.#temporal())?.pid;
  }

  /** SIGKILL to the Temporal server alone. */
  async killTemporal(): Promise<void> {
    const temporal = await this.#temporal();
    if (!temporal) throw new Error('no Temporal server runs');
    await killAndWait(temporal);
  }

  /** Stops Temporal in its tracks: what is accepted from here on does not reach it until `thawTemporal`. */
  async freezeTemporal(): Promise<void> {
    const pid = await this.temporalPid();
    if (pid === undefined) throw new Error('no Temporal server runs');
    process.kill(pid, 'SIGSTOP');
  }

  async thawTemporal(): Promise<void> {
    const pid = await this.temporalPid();
    if (pid !== undefined) process.kill(pid, 'SIGCONT');
  }

  /** A request with the test key, unless another is named; the answer is not read. */
  open(method: string, path: string, { body, key = TEST_KEY, headers, signal }: SendOptions = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(signal ? { signal } : {}),
    });
  }

  async request(method: string, path: string, body?: unknown, options: SendOptions = {}): Promise<Answer> {
    const response = await this.open(method, path, { ...options, body });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
  }

  /** A `holdfast` command on this server's data and address. */
  holdfast(args: string[], env: Env = {}): Promise<Finished> {
    const port = new URL(this.url || 'http://127.0.0.1:1').port;
    return runHoldfast(args, { cwd: this.cwd, env: { ...this.env, HOLDFAST_PORT: port, ...env }, main: this.main });
  }

  /** Ends whatever of it runs, and removes its directory. */
  async close(): Promise<void> {
    process.off('exit', this.#killAtExit);
    const temporal = await this.#temporal();
    this.#child?.kill('SIGKILL');
    await this.#exited;
    await killAndWait(temporal ?? (await this.#temporal()));
    this.#remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #temporal(): Promise<ProcessIdentity | undefined> {
    const state = await readState(join(this.dataDir, 'temporal.json'));
    const identity = state && { pid: state.pid, start: state.processStart };
    return identity && (await isSame(identity)) ? identity : undefined;
  }

  /** The test process ends: nothing asynchronous is left. */
  #killNow(): void {
    this.#child?.kill('SIGKILL');
    try {
      process.kill(JSON.parse(readFileSync(join(this.dataDir, 'temporal.json'), 'utf8')).pid, 'SIGKILL');
    } catch {
      // There is none.
    }
  }
}

async function killAndWait(process_: ProcessIdentity | undefined): Promise<void> {
  if (!process_) return;
  process.kill(process_.pid, 'SIGKILL');
  await until(async () => !(await isSame(process_)), `process ${process_.pid} is gone`, KILLED_WITHIN_MS);
}

async function bounded<T>(promise: Promise<T>, ms: number, what: () => string): Promise<T> {
  const timer = new AbortController();
  const late = delay(ms, undefined, { signal: timer.signal }).then(
    () => Promise.reject(new Error(`not within ${ms} ms: ${what()}`)),
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}
