/**
 * A server apart, where a test wants one server: an API, a worker and a local Temporal server (`holdfast temporal`), each a process of its
 * own, started, stopped and killed together.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readState } from '../../src/temporal/local-server/state-file.ts';
import { MAIN } from './run-holdfast.ts';
import { type ServerOptions, TestServer } from './server.ts';
import { databaseOf } from './test-journal.ts';
import { until } from './until.ts';

export class ApartServer extends TestServer {
  readonly #options: ServerOptions;
  #worker: TestServer | undefined;
  #temporal: ChildProcess | undefined;
  readonly #killAtExit = () => void this.#temporal?.kill('SIGKILL');

  constructor(options: ServerOptions) {
    super({ ...options, command: 'api' });
    this.#options = options;
    process.once('exit', this.#killAtExit);
  }

  override async start(): Promise<void> {
    this.env.DATABASE_URL ??= await databaseOf(this.dataDir);
    if (this.#options.env?.TEMPORAL_ADDRESS === undefined) await this.#startTemporal();
    this.#worker ??= new TestServer({ ...this.#options, command: 'worker', dataDir: this.dataDir, env: this.env });
    Object.assign(this.#worker.env, this.env);
    await Promise.all([this.#worker.start(), super.start()]);
  }

  /** Of both, at the same time; each must exit with 0 within 10 s. Then the Temporal server’s. */
  override async stop(): Promise<number> {
    const took = await Promise.all([super.stop(), this.#worker?.stop() ?? 0]);
    await this.#endTemporal('SIGTERM');
    return Math.max(...took);
  }

  override async kill(): Promise<void> {
    await Promise.all([super.kill(), this.#worker?.kill()]);
  }

  override async killEverything(): Promise<void> {
    // Before its Temporal server, or it would start that again.
    this.#temporal?.kill('SIGKILL');
    await Promise.all([super.killEverything(), this.#worker?.kill()]);
    await this.#endTemporal('SIGKILL');
  }

  override async close(): Promise<void> {
    process.off('exit', this.#killAtExit);
    await this.#worker?.close();
    await this.#endTemporal('SIGKILL');
    await super.close();
  }

  /** The one that runs goes on; on the same port and database otherwise. */
  async #startTemporal(): Promise<void> {
    if (this.#temporal && this.#temporal.exitCode === null && this.#temporal.signalCode === null) return;
    delete this.env.TEMPORAL_ADDRESS;
    const child = spawn(process.execPath, [MAIN, 'temporal'], {
      cwd: this.cwd,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#temporal = child;
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const address = /^temporal ready (\S+)/.exec(line)?.[1];
      if (address) this.env.TEMPORAL_ADDRESS = address;
    });
    const isReady = async () => {
      if (child.exitCode !== null) throw new Error(`holdfast temporal ended:\n${said}`);
      const state = await readState(join(this.dataDir, 'temporal.json'));
      return state !== undefined && this.env.TEMPORAL_ADDRESS !== undefined;
    };
    await until(isReady, 'holdfast temporal is ready', 60_000);
  }

  async #endTemporal(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#temporal;
    this.#temporal = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'close');
    child.kill(signal);
    await ended;
  }
}
