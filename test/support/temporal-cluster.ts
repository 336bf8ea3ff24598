/** A Temporal cluster of the tests' own: the server as clusters run it, on two PostgreSQL databases, all services one process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openServerLog } from '../../src/temporal/local-server/server-log.ts';
import { isRunning } from './is-running.ts';
import { untilClusterReady } from './temporal-cluster-ready.ts';
import { createTemporalDatabases } from './temporal-databases.ts';
import { temporalServerBinaries } from './temporal-server-build.ts';
import { choosePorts, serverConfig } from './temporal-server-config.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export type TemporalClusterOptions = {
  /** A database in which others can be made. */
  postgresUrl: string;
  /** What the names of its two databases begin with. */
  prefix: string;
  /** Told how far a build is. */
  onProgress?: (line: string) => void;
};

/**
 * Starts a cluster with the namespace `default` and waits until a workflow task goes through all of it. Holdfast's search
 * attributes are not there: it adds them itself. The cluster ends with this process at the latest.
 */
export async function startTemporalCluster(options: TemporalClusterOptions): Promise<TemporalCluster> {
  const binaries = await temporalServerBinaries(options.onProgress ?? (() => undefined));
  const databases = await createTemporalDatabases({ ...options, sqlTool: binaries.sql });
  const directory = temporaryDirectory();
  const ports = await choosePorts();
  const config = join(directory.path, 'temporal.yaml');
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(serverConfig(ports, databases)), { mode: 0o600 });
  const cluster = new TemporalCluster({
    address: `127.0.0.1:${ports.frontend.grpcPort}`,
    command: [binaries.server, '--config-file', config, '--allow-no-auth', 'start'],
    directory: directory.path,
    async remove() {
      await databases.drop();
      directory.remove();
    },
  });
  try {
    await cluster.restart();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

type Place = { address: string; command: [string, ...string[]]; directory: string; remove(): Promise<void> };

/** Made by `startTemporalCluster`; may be killed, frozen and started again, always on the same address and databases. */
export class TemporalCluster {
  readonly address: string;
  readonly #place: Place;
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> | undefined;
  readonly #killAtExit = () => void this.#child?.kill('SIGKILL');

  constructor(place: Place) {
    this.address = place.address;
    this.#place = place;
    process.once('exit', this.#killAtExit);
  }

  /** Of the process that holds all services; another after a restart. */
  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('the Temporal cluster was not started');
    return this.#child.pid;
  }

  /** False after a kill, and when it gave up by itself, as it does when its database is away for long. */
  get isRunning(): boolean {
    return isRunning(this.#child);
  }

  /** Starts it, after a kill or for the first time, and waits until it is ready. Throws with what it said when that does not come. */
  async restart(): Promise<void> {
    const log = await openServerLog(join(this.#place.directory, 'temporal.log'));
    const [file, ...args] = this.#place.command;
    const child = spawn(file, args, { cwd: this.#place.directory, stdio: ['ignore', log.fd, log.fd] });
    log.close();
    this.#child = child;
    this.#exited = once(child, 'exit');
    const ended = new AbortController();
    const early = this.#exited.then(() => {
      ended.abort();
      throw new Error(`the Temporal cluster ended: ${child.signalCode ?? `exit code ${child.exitCode}`}`);
    });
    try {
      await Promise.race([untilClusterReady(this.address, ended.signal), early]);
    } catch (error) {
      throw new Error(`${(error as Error).message}; it said:\n${await log.tail()}`, { cause: error });
    }
  }

  /** SIGKILL to all services at once. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** Stops all services in their tracks: connections stay, and nothing answers until `thaw`. */
  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Ends it for good, its databases included: nothing is left to drain for. */
  async stop(): Promise<void> {
    process.off('exit', this.#killAtExit);
    await this.kill();
    await this.#place.remove();
  }
}
