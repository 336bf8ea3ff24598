import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { getDefaultEnvironment } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { Log } from '../../log.ts';
import { logStderr } from './stderr-log.ts';

export type StdioCommand = { command: string; args: string[]; env: Record<string, string> };

const CLOSE_GRACE_MS = 1_000; // from the end of its input to SIGTERM
const TERM_GRACE_MS = 500; // from SIGTERM to SIGKILL
const KILL_BOUND_MS = 1_000; // from SIGKILL to giving up on it
const LAST_OUTPUT_MS = 500; // for what a process wrote just before it ended

/**
 * An MCP server as a process of ours. Unlike the SDK's own stdio transport it ends the whole process group: `npx server`
 * is a chain of three processes, and killing the first leaves the one that works. The process sees only the configured
 * environment and the few variables that any program needs to start (PATH, HOME, SHELL, TERM, USER, LOGNAME).
 */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #command: StdioCommand;
  readonly #log: Log;
  readonly #input = new ReadBuffer();
  readonly #closed = Promise.withResolvers<void>();
  #child: ChildProcessByStdio<Writable, Readable, Readable> | undefined;
  /** How the process ended; undefined while it runs. */
  ending: string | undefined;

  constructor(command: StdioCommand, log: Log) {
    this.#command = command;
    this.#log = log;
  }

  /** Rejects when the command cannot be started. */
  start(): Promise<void> {
    const { command, args, env } = this.#command;
    const started = Promise.withResolvers<void>();
    const child = spawn(command, args, {
      env: { ...getDefaultEnvironment(), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true, // a process group of its own
    });
    this.#child = child;
    child.once('spawn', started.resolve);
    child.on('error', (error) => {
      if (child.pid === undefined) this.#finish(error.message);
      started.reject(error);
      this.onerror?.(error);
    });
    child.once('exit', (code, signal) => this.#exited(signal ? `killed by ${signal}` : `exit code ${code}`));
    child.once('close', () => this.#finish(this.ending ?? 'closed'));
    child.stdin.on('error', (error) => this.onerror?.(error));
    child.stdout.on('error', (error) => this.onerror?.(error));
    child.stdout.on('data', (chunk: Buffer) => this.#received(chunk));
    logStderr(child.stderr, this.#log);
    return started.promise;
  }

  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    if (!stdin?.writable) return Promise.reject(new Error('The server is not running.'));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    stdin.write(serializeMessage(message), (error) => (error ? reject(error) : resolve()));
    return promise;
  }

  /** Ends the process: the end of its input first, then as `kill` does. */
  async close(): Promise<void> {
    if (this.#child === undefined || this.ending !== undefined) return;
    this.#child.stdin.end();
    if (!(await this.#endsWithin(CLOSE_GRACE_MS))) await this.kill();
  }

  /** Ends the process and all that it started; false when it is still there after SIGKILL. */
  async kill(): Promise<boolean> {
    if (this.#child === undefined || this.ending !== undefined) return true;
    this.#signalGroup('SIGTERM');
    if (await this.#endsWithin(TERM_GRACE_MS)) return true;
    this.#signalGroup('SIGKILL');
    return await this.#endsWithin(KILL_BOUND_MS);
  }

  #received(chunk: Buffer): void {
    try {
      this.#input.append(chunk);
    } catch (error) {
      this.onerror?.(error as Error); // a message beyond what the SDK takes: what follows cannot be read
      this.#signalGroup('SIGKILL');
      return;
    }
    for (let more = true; more; ) more = this.#deliverNext();
  }

  /** A line that is no message is reported and skipped: servers print to standard output what they should not. */
  #deliverNext(): boolean {
    try {
      const message = this.#input.readMessage();
      if (message === null) return false;
      this.onmessage?.(message);
    } catch (error) {
      this.onerror?.(error as Error);
    }
    return true;
  }

  #exited(how: string): void {
    this.ending = how;
    this.#signalGroup('SIGKILL');
    setTimeout(() => this.#finish(how), LAST_OUTPUT_MS).unref();
  }

  #finish(how: string): void {
    this.ending ??= how;
    const { onclose } = this;
    this.onclose = undefined;
    this.#closed.resolve();
    onclose?.();
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') this.onerror?.(error as Error); // ESRCH: nothing is left of it
    }
  }

  async #endsWithin(ms: number): Promise<boolean> {
    await Promise.race([this.#closed.promise, delay(ms, undefined, { ref: false })]);
    return this.ending !== undefined;
  }
}
