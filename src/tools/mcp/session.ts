import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  type CallToolResult,
  CallToolResultSchema,
  ProgressNotificationSchema,
  type Tool as ServerTool,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { McpServerConfig } from '../../config.ts';
import type { Log } from '../../log.ts';
import { VERSION } from '../../version.ts';
import { CallWatch, type Progress, type WatchedCall } from './call-watch.ts';
import { ConnectionLost, lostOverHttp } from './connection-lost.ts';
import { errorText } from './error-text.ts';
import { httpTransport } from './http-transport.ts';
import { listTools } from './list-tools.ts';
import { StdioTransport } from './stdio-transport.ts';

/** From the start of a server to the end of its handshake; `npx` may have to download it first. */
export const START_TIMEOUT_MS = 60_000;
/** How long a tool may take to end after its cancel, before its server is restarted or the call counts as unfinished. */
export const CANCEL_GRACE_MS = 5_000;
/** The call's idempotency key, in the `params._meta` of `tools/call`. */
export const CALL_ID_META_KEY = 'holdfast/call_id';

const NO_TIMEOUT_MS = 2_147_483_647; // the SDK wants one; ours is the call's signal
const HTTP_GOODBYE_MS = 1_000;

export type CallRequest = {
  tool: string;
  args: unknown;
  call_id: string;
  onProgress(progress: Progress): void;
  /** Its abort tells the server to cancel, with the signal's reason. */
  signal: AbortSignal;
};

/** A call under way. */
export type SessionCall = {
  /** Rejects with `ConnectionLost`, the server's error, or at once when the signal aborts. */
  result: Promise<CallToolResult>;
  /** To be asked after an abort: whether the tool is known to work no more. Never rejects; settles within about 7 s. */
  ended(): Promise<boolean>;
};

/** One connection to one server, from its handshake until it is lost, retired or closed. */
export class McpSession {
  readonly #client: Client;
  readonly #transport: Transport;
  readonly #watch: CallWatch;
  readonly #log: Log;
  readonly #onGone: () => void;
  readonly #closed = Promise.withResolvers<void>();
  /** Resolves when the connection is closed; a stdio server has ended then. */
  readonly closed: Promise<void> = this.#closed.promise;
  #tools: Promise<ServerTool[]> | undefined;
  #liveCalls = 0;
  #retired = false;
  #closing = false;
  #lost: string | undefined;

  private constructor(client: Client, transport: Transport, watch: CallWatch, log: Log, onGone: () => void) {
    this.#client = client;
    this.#transport = transport;
    this.#watch = watch;
    this.#log = log;
    this.#onGone = onGone;
  }

  /**
   * Starts or reaches the server and shakes hands. `onGone` is called once the session takes no more calls. Rejects within
   * `START_TIMEOUT_MS`, or when `stop` aborts; nothing is left running then.
   */
  static async open(config: McpServerConfig, log: Log, stop: AbortSignal, onGone: () => void): Promise<McpSession> {
    const watch = new CallWatch();
    const transport =
      'command' in config ? new StdioTransport(config, log) : httpTransport(config, (id) => watch.answerEnded(id));
    watch.attach(transport);
    const client = new Client({ name: 'holdfast', version: VERSION });
    const session = new McpSession(client, transport, watch, log, onGone);
    client.onclose = () => session.#onClose();
    client.onerror = (error) => session.#onError(error);
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => session.#forgetTools());
    client.setNotificationHandler(ProgressNotificationSchema, () => undefined); // the watch has seen it
    try {
      await within(START_TIMEOUT_MS, stop, client.connect(transport, { timeout: NO_TIMEOUT_MS }));
    } catch (error) {
      const ending = transport instanceof StdioTransport ? transport.ending : undefined;
      await session.close();
      throw ending === undefined ? error : new Error(`it ended before it answered: ${ending}`, { cause: error });
    }
    return session;
  }

  /** All the server's tools, listed once and again after the server said that they changed. */
  async tools(): Promise<ServerTool[]> {
    this.#tools ??= this.#list();
    return await this.#tools;
  }

  call(request: CallRequest): SessionCall {
    const call = this.#watch.begin(request.onProgress);
    return { result: this.#run(request, call), ended: () => this.#ended(call) };
  }

  /** Ends the connection, a stdio server with it. */
  async close(): Promise<void> {
    if (this.#closing) return await this.closed;
    this.#closing = true;
    this.#retire();
    if ('terminateSession' in this.#transport) await this.#sayGoodbye(this.#transport as StreamableHTTPClientTransport);
    await this.#transport.close();
  }

  async #run(request: CallRequest, call: WatchedCall): Promise<CallToolResult> {
    const { tool, args, call_id, signal } = request;
    const hadSession = this.#transport.sessionId !== undefined;
    this.#liveCalls += 1;
    try {
      if (this.#lost !== undefined) throw new ConnectionLost(this.#lost, false);
      const _meta = { [CALL_ID_META_KEY]: call_id, progressToken: call.token };
      const result = this.#client.request(
        { method: 'tools/call', params: { name: tool, arguments: args as Record<string, unknown>, _meta } },
        CallToolResultSchema,
        { signal, timeout: NO_TIMEOUT_MS, onresumptiontoken: () => call.resumable() },
      );
      const answerLost = call.answerLost.then(() => {
        throw new ConnectionLost('its answer broke off', true);
      });
      return await Promise.race([result, answerLost]);
    } catch (error) {
      throw signal.aborted ? error : this.#asLoss(error, hadSession);
    } finally {
      if (!signal.aborted) this.#watch.forget(call);
      this.#liveCalls -= 1;
      if (this.#retired && this.#liveCalls === 0) this.#closeQuietly();
    }
  }

  async #list(): Promise<ServerTool[]> {
    const hadSession = this.#transport.sessionId !== undefined;
    try {
      if (this.#lost !== undefined) throw new ConnectionLost(this.#lost, false);
      return await listTools(this.#client, this.#log);
    } catch (error) {
      this.#forgetTools();
      throw this.#asLoss(error, hadSession);
    }
  }

  /** What an error of a request means for the session: the same error, or the connection's loss. */
  #asLoss(error: unknown, hadSession: boolean): unknown {
    if (error instanceof ConnectionLost) {
      this.#lose(error.message);
      return error;
    }
    if (this.#lost !== undefined) return new ConnectionLost(this.#lost, true);
    if (this.#isProcess()) return error;
    const loss = lostOverHttp(error, hadSession);
    if (loss) this.#lose(loss.message);
    return loss ?? error;
  }

  async #ended(call: WatchedCall): Promise<boolean> {
    if (!call.sent) return true;
    const ended = await Promise.race([
      call.answered.then(() => true),
      this.closed.then(() => this.#isProcess()),
      delay(CANCEL_GRACE_MS, undefined, { ref: false }),
    ]);
    this.#watch.forget(call);
    if (ended !== undefined) return ended;
    // The protocol has no word for "it has ended": silence may be either, and only a process's end is certain.
    this.#retire();
    if (this.#liveCalls > 0 || !(this.#transport instanceof StdioTransport)) return false;
    return await this.#transport.kill();
  }

  #onClose(): void {
    this.#lose(this.#transport instanceof StdioTransport ? (this.#transport.ending ?? 'closed') : 'closed');
    this.#closed.resolve();
  }

  #onError(error: Error): void {
    this.#log.debug({ error: errorText(error) }, 'an MCP server or the connection to it misbehaves');
    // Over HTTP the stream that would say that the tools changed may be what broke.
    if (!this.#isProcess()) this.#forgetTools();
  }

  #forgetTools(): void {
    this.#tools = undefined;
  }

  #isProcess(): boolean {
    return this.#transport instanceof StdioTransport;
  }

  #lose(reason: string): void {
    this.#lost ??= reason;
    this.#retire();
  }

  /** No new call comes here; the connection is closed when its last call is over. */
  #retire(): void {
    this.#retired = true;
    this.#onGone();
    if (this.#liveCalls === 0 && !this.#isProcess()) this.#closeQuietly();
  }

  #closeQuietly(): void {
    this.close().catch((error) => this.#log.warn({ err: error }, 'a session with an MCP server did not close'));
  }

  /** Tells an HTTP server that the session is over; one that does not hear it will find out by itself. */
  async #sayGoodbye(transport: StreamableHTTPClientTransport): Promise<void> {
    if (this.#lost !== undefined) return;
    const goodbye = transport.terminateSession().catch((error) => this.#onError(error));
    await Promise.race([goodbye, delay(HTTP_GOODBYE_MS, undefined, { ref: false })]);
  }
}

/** The SDK is given no signal of its own: it listens to it for ever, and would cancel the handshake long after its end. */
async function within<T>(ms: number, stop: AbortSignal, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const bound = delay(ms, undefined, { signal: AbortSignal.any([done.signal, stop]) }).then(() => {
    throw new Error(`it did not answer within ${ms / 1000} s`);
  });
  try {
    return await Promise.race([work, bound]);
  } finally {
    done.abort();
  }
}
