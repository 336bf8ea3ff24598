/**
 * The connection to Temporal, made in the background and kept: every process starts, accepts and answers without it. One
 * native connection serves client and worker, so that a run can start eagerly in the process that accepted it.
 */
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.ts';
import type { TemporalTls } from '../config.ts';
import { HoldfastError } from '../errors.ts';
import { pause } from '../pause.ts';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** How long one call to Temporal may take before it counts as unreachable. */
export const RPC_TIMEOUT_MS = 5_000;

export type LinkOptions = {
  /** Known later where a local server is started beside us. */
  address: Promise<string>;
  namespace: string;
  apiKey?: string;
  tls?: TemporalTls;
  log: Logger;
};

/** Temporal, connected, and its namespace's identity. */
export type Connected = {
  connection: NativeConnection;
  client: Client;
  namespaceId: string;
  /** Whether it takes our search attributes, which were added perhaps a moment ago; a start that names others is refused. */
  searchable: boolean;
};

export type TemporalLink = {
  readonly namespace: string;
  /** Undefined until the first connection was made. */
  current(): Connected | undefined;
  connected(): Promise<Connected>;
  /** Resolves when Temporal takes our search attributes, or the link is closed. */
  searchable(): Promise<void>;
  /** Why there is no connection. */
  lastError(): string | undefined;
  close(): Promise<void>;
};

/** For who does not wait for a connection. Errors: `temporal.unreachable` while there is none. */
export function connectedNow(link: TemporalLink): Connected {
  const connected = link.current();
  if (!connected) throw new HoldfastError('temporal.unreachable', link.lastError() ?? 'Temporal is not connected yet.');
  return connected;
}

/** Begins to connect, and tries again until it does or is closed. */
export function openLink(options: LinkOptions): TemporalLink {
  let current: Connected | undefined;
  let lastError: string | undefined;
  const closing = new AbortController();
  const connected = connectUntilClosed(options, closing.signal, (error) => {
    lastError = error;
  }).then((made) => {
    current = made;
    return made;
  });
  const searchable = connected.then((made) => untilSearchable(made, options.namespace, closing.signal));
  // Who awaits `connected` is told; who does not must not bring the process down when it closes early.
  connected.catch((error: Error) => options.log.debug({ error: error.message }, 'no connection to Temporal was made'));
  searchable.catch((error: Error) =>
    options.log.debug({ error: error.message }, 'search attributes are not asked for'),
  );
  return {
    namespace: options.namespace,
    current: () => current,
    connected: () => connected,
    searchable: () => searchable,
    lastError: () => lastError,
    async close() {
      closing.abort(new Error('closed before Temporal was reached'));
      await current?.connection.close();
    },
  };
}

async function connectUntilClosed(
  options: LinkOptions,
  signal: AbortSignal,
  failed: (message: string) => void,
): Promise<Connected> {
  const address = await options.address;
  for (let waitMs = FIRST_PAUSE_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_PAUSE_MS)) {
    signal.throwIfAborted();
    try {
      return await connect(address, options);
    } catch (error) {
      const message = (error as Error).message;
      failed(message);
      options.log.warn({ address, error: message, retry_ms: waitMs }, 'Temporal cannot be reached');
      await pause(waitMs, signal);
    }
  }
}

async function connect(address: string, { namespace, apiKey, tls }: LinkOptions): Promise<Connected> {
  const connection = await NativeConnection.connect({
    address,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(tls === undefined ? {} : { tls }),
  });
  try {
    const client = new Client({ connection, namespace });
    const described = await connection.withDeadline(Date.now() + RPC_TIMEOUT_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    await addSearchAttributes(connection, namespace);
    const searchable = await takesSearchAttributes(connection, namespace);
    return { connection, client, namespaceId: described.namespaceInfo?.id ?? '', searchable };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Asks the cluster to add our search attributes where it lacks them; where it forbids that, runs start without them. */
async function addSearchAttributes(connection: NativeConnection, namespace: string): Promise<void> {
  const KEYWORD = 2;
  try {
    await connection.withDeadline(Date.now() + RPC_TIMEOUT_MS, async () => {
      const known = await connection.operatorService.listSearchAttributes({ namespace });
      const missing = SEARCH_ATTRIBUTES.filter((name) => !(name in (known.customAttributes ?? {})));
      if (missing.length === 0) return;
      await connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
      });
    });
  } catch (error) {
    if (isUnreachable(error)) throw error;
  }
}

/**
 * Whether the cluster takes our search attributes by now. Each of its services reads them anew every 2 s, some every minute, and
 * refuses until then what names them, while a list of them has them at once. So it is asked a question by them.
 */
async function takesSearchAttributes(connection: NativeConnection, namespace: string): Promise<boolean> {
  const query = SEARCH_ATTRIBUTES.map((name) => `${name} = 'none'`).join(' AND ');
  try {
    await connection.withDeadline(Date.now() + RPC_TIMEOUT_MS, () =>
      connection.workflowService.countWorkflowExecutions({ namespace, query }),
    );
    return true;
  } catch (error) {
    if (isUnreachable(error)) throw error;
    return false;
  }
}

/** Looks until the cluster takes them, also where an operator adds them later. */
async function untilSearchable(made: Connected, namespace: string, signal: AbortSignal): Promise<void> {
  for (let waitMs = FIRST_PAUSE_MS; !made.searchable; waitMs = Math.min(waitMs * 2, LONGEST_PAUSE_MS)) {
    await pause(waitMs, signal);
    if (signal.aborted) return;
    made.searchable = await takesSearchAttributes(made.connection, namespace).catch((error: unknown) => {
      if (isUnreachable(error)) return false;
      throw error;
    });
  }
}

/** Whether nothing is known of what was asked: Temporal refused, was silent until the deadline, or was lost in the midst of it. */
export function isUnreachable(error: unknown): boolean {
  const asked = error as GrpcFailure & { cause?: GrpcFailure };
  const { code, message } = asked.code === undefined ? (asked.cause ?? asked) : asked;
  if (code === UNKNOWN) return message?.includes(CONNECTION_LOST) === true;
  return code !== undefined && UNREACHABLE.includes(code);
}

type GrpcFailure = { code?: number; message?: string };

/** CANCELLED, as the native connection says of its own deadline ("Timeout expired"); DEADLINE_EXCEEDED; UNAVAILABLE. */
const UNREACHABLE = [1, 4, 14];
/** The code of a connection that is reset, as well as of what the server itself cannot say. */
const UNKNOWN = 2;
const CONNECTION_LOST = 'transport error';
