/** A whole Holdfast, API, worker and local Temporal server, as a child process that may be killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError } from '../errors.ts';
import { endProcess, isSame, type ProcessIdentity } from '../temporal/local-server/process-identity.ts';
import { readState } from '../temporal/local-server/state-file.ts';

export type DemoServerOptions = {
  /** What the child runs: `[path of holdfast.mjs, 'start']`. */
  command: string[];
  env: NodeJS.ProcessEnv;
  dataDir: string;
  readyTimeoutMs: number;
  signal: AbortSignal;
};

export type DemoServer = {
  /** From its `holdfast ready` line. */
  baseUrl: string;
  /** Ends the server and its Temporal server with SIGKILL, both at once. Gives their process ids. */
  kill(): Promise<number[]>;
  /** Ends both as an operator would (SIGTERM), and what does not end by itself in time by force. */
  stop(): Promise<void>;
};

/** The contract gives a server 10 s to drain. */
const STOP_TIMEOUT_MS = 15_000;
const TEMPORAL_GRACE_MS = 5_000;
const KILL_TIMEOUT_MS = 10_000;
const POLL_MS = 20;

const READY_LINE = /^holdfast ready (https?:\/\/\S+)/;

/**
 * Starts the server and waits until it is ready. Its standard error, with the progress of a Temporal build, goes to ours.
 * Errors: `demo.not_ready` when it ended or did not say that it is ready in time; nothing is left running then.
 */
export async function startDemoServer(options: DemoServerOptions): Promise<DemoServer> {
  const child = spawn(process.execPath, options.command, { env: options.env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>;

  const stop = async () => {
    child.kill('SIGTERM');
    if (!(await within(exited, STOP_TIMEOUT_MS))) child.kill('SIGKILL');
    await exited;
    const left = await localTemporalOf(options.dataDir);
    if (left) await endProcess(left, TEMPORAL_GRACE_MS);
  };

  try {
    return { baseUrl: await readyAddress(child.stdout, exited, options), stop, kill };
  } catch (error) {
    await stop();
    throw error;
  }

  async function kill(): Promise<number[]> {
    const temporal = await localTemporalOf(options.dataDir);
    if (!temporal) throw new HoldfastError('demo.failed', `no local Temporal server runs on ${options.dataDir}`);
    // The server first, or it would see its Temporal server end.
    child.kill('SIGKILL');
    process.kill(temporal.pid, 'SIGKILL');
    await exited;
    const deadline = Date.now() + KILL_TIMEOUT_MS;
    while (await isSame(temporal)) {
      if (Date.now() > deadline) throw new HoldfastError('demo.failed', `process ${temporal.pid} survives SIGKILL`);
      await sleep(POLL_MS);
    }
    return [child.pid, temporal.pid].filter((pid) => pid !== undefined);
  }
}

async function readyAddress(
  stdout: NodeJS.ReadableStream,
  exited: Promise<[code: number | null, signal: string | null]>,
  { readyTimeoutMs, signal }: DemoServerOptions,
): Promise<string> {
  const timeout = AbortSignal.timeout(readyTimeoutMs);
  const aborted = AbortSignal.any([signal, timeout]);
  const lines = createInterface({ input: stdout });
  return new Promise<string>((resolve, reject) => {
    // Goes on reading after the ready line, so that the child never waits for its standard output to be read.
    lines.on('line', (line) => {
      const address = READY_LINE.exec(line)?.[1];
      if (address) resolve(address);
    });
    exited.then(
      ([code, name]) =>
        reject(notReady(`the server ended (${name ?? `exit code ${code}`}) before it was ready, see above`)),
      reject,
    );
    const stopped = () => {
      reject(signal.aborted ? signal.reason : notReady(`the server was not ready within ${readyTimeoutMs / 1000} s`));
    };
    if (aborted.aborted) stopped();
    else aborted.addEventListener('abort', stopped, { once: true });
  });
}

function notReady(message: string): HoldfastError {
  return new HoldfastError('demo.not_ready', message);
}

/** The Temporal server of that data directory, as long as it is the process that was written down. */
async function localTemporalOf(dataDir: string): Promise<ProcessIdentity | undefined> {
  const state = await readState(join(dataDir, 'temporal.json'));
  if (!state) return undefined;
  const identity = { pid: state.pid, start: state.processStart };
  return (await isSame(identity)) ? identity : undefined;
}

/** Whether `promise` resolves within `ms`. */
async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(ms, false, { signal: timer.signal }).catch((error: unknown) => {
    if (!timer.signal.aborted) throw error;
    return false;
  });
  const inTime = await Promise.race([promise.then(() => true), late]);
  timer.abort();
  return inTime;
}
