import { setTimeout as delay } from 'node:timers/promises';
import type { Tool as ServerTool } from '@modelcontextprotocol/sdk/types.js';
import type { McpServerConfig } from '../../config.ts';
import type { Log } from '../../log.ts';
import { ConnectionLost } from './connection-lost.ts';
import { errorText } from './error-text.ts';
import { McpSession } from './session.ts';

const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
/** A backoff this short is waited for; during a longer one the server is unavailable. */
const PATIENCE_MS = 1_000;
/** A session lost sooner counts as a failed start, so that a server which dies at once is not started over and over. */
const HEALTHY_MS = 5_000;

/** A configured server that cannot be used at this time; the message says why, for operators and for the model. */
export class McpUnavailable extends Error {
  readonly server: string;

  constructor(server: string, message: string) {
    super(message);
    this.name = 'McpUnavailable';
    this.server = server;
  }
}

/** A configured server: its session is opened at the first use and again at the next use after it was lost. */
export class McpServer {
  readonly name: string;
  readonly config: McpServerConfig;
  readonly #log: Log;
  readonly #open = new Set<McpSession>();
  /** The session that calls go to, or its opening; `#usable` once it is open. */
  #current: Promise<McpSession> | undefined;
  #usable: McpSession | undefined;
  #failures = 0;
  #notBefore = 0;
  #lastFailure = '';
  readonly #stop = new AbortController();
  /** When the opening that is under way began, by `Date.now()`; undefined when none is. */
  openingSince: number | undefined;

  constructor(name: string, config: McpServerConfig, log: Log) {
    this.name = name;
    this.config = config;
    this.#log = log.child({ mcp_server: name });
  }

  /**
   * Does `work` in the current session; once more in a new one when the connection turns out to be lost and the server
   * cannot have acted, or `repeat` allows it. Errors: `McpUnavailable`, `ConnectionLost`, what `work` throws.
   */
  async use<T>(work: (session: McpSession) => Promise<T>, repeat: boolean): Promise<T> {
    try {
      return await work(await this.#session());
    } catch (error) {
      if (!(error instanceof ConnectionLost) || (error.reached && !repeat)) throw error;
      this.#log.info({ reason: error.message }, 'the connection to an MCP server was lost: connecting again');
      return await work(await this.#session());
    }
  }

  async tools(): Promise<ServerTool[]> {
    return await this.use((session) => session.tools(), true);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled([this.#current]); // a start under way ends with the signal
    await Promise.all([...this.#open].map((session) => session.close()));
  }

  #session(): Promise<McpSession> {
    if (this.#stop.signal.aborted) return Promise.reject(new McpUnavailable(this.name, `${this.name} is closed.`));
    this.#current ??= this.#start();
    return this.#current;
  }

  async #start(): Promise<McpSession> {
    this.openingSince = Date.now();
    let opened: McpSession | undefined;
    let startedAt = 0;
    const onGone = () => {
      if (opened === undefined || opened !== this.#usable) return;
      this.#current = this.#usable = undefined;
      if (Date.now() - startedAt < HEALTHY_MS) this.#backOff('it ended right after its start');
      else this.#failures = 0;
    };
    try {
      await this.#waitForBackoff();
      startedAt = Date.now();
      opened = await McpSession.open(this.config, this.#log, this.#stop.signal, onGone);
    } catch (error) {
      this.#current = undefined;
      throw error instanceof McpUnavailable ? error : this.#failed(error);
    } finally {
      this.openingSince = undefined;
    }
    this.#usable = opened;
    this.#keepUntilClosed(opened);
    return opened;
  }

  #keepUntilClosed(session: McpSession): void {
    this.#open.add(session);
    void session.closed.then(() => this.#open.delete(session));
  }

  async #waitForBackoff(): Promise<void> {
    const wait = this.#notBefore - Date.now();
    if (wait > PATIENCE_MS) {
      const seconds = Math.ceil(wait / 1000);
      throw new McpUnavailable(this.name, `${this.name} is down (${this.#lastFailure}); next try in ${seconds} s.`);
    }
    if (wait > 0) await delay(wait, undefined, { signal: this.#stop.signal });
  }

  #failed(error: unknown): McpUnavailable {
    this.#backOff(errorText(error));
    this.#log.warn({ reason: this.#lastFailure, failures: this.#failures }, 'an MCP server cannot be used');
    return new McpUnavailable(this.name, `${this.name} cannot be used: ${this.#lastFailure}.`);
  }

  #backOff(reason: string): void {
    this.#lastFailure = reason;
    this.#notBefore = Date.now() + Math.min(FIRST_BACKOFF_MS * 2 ** this.#failures, MAX_BACKOFF_MS);
    this.#failures += 1;
  }
}
