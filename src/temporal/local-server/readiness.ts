import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { isListening } from './free-port.ts';
import { LOCAL_RETENTION_S } from './server-settings.ts';

const POLL_MS = 50;
const CALL_TIMEOUT_MS = 3_000;
/** `INDEXED_VALUE_TYPE_KEYWORD` of temporal.api.enums.v1. */
const KEYWORD = 2;
/** `google.rpc.Code.NOT_FOUND`. */
const NOT_FOUND = 5;

export interface ReadinessOptions {
  port: number;
  namespace: string;
  searchAttributes: readonly string[];
  timeoutMs: number;
  /** Aborted when waiting has become pointless, for example because the process ended. */
  signal: AbortSignal;
}

export type Readiness = { ready: true; serverVersion: string } | { ready: false; why: string };

/**
 * Waits until the server on that port can be used: it answers, knows the namespace (which then keeps closed runs for
 * LOCAL_RETENTION_S), its history service answers, and a query by every search attribute is accepted. Adds what is missing.
 */
export async function waitUntilReady(options: ReadinessOptions): Promise<Readiness> {
  const deadline = performance.now() + options.timeoutMs;
  let why = `nothing listens on 127.0.0.1:${options.port}`;
  while (performance.now() < deadline && !options.signal.aborted) {
    // A bare connect first: gRPC waits a second after its first refusal.
    if (await isListening(options.port)) {
      try {
        return { ready: true, serverVersion: await prepare(options) };
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
      }
    }
    await sleep(POLL_MS);
  }
  return { ready: false, why };
}

async function prepare({ port, namespace, searchAttributes }: ReadinessOptions): Promise<string> {
  const connection = await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: CALL_TIMEOUT_MS });
  try {
    return await connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, async () => {
      const { serverVersion } = await connection.workflowService.getSystemInfo({});
      await keepClosedRuns(connection, namespace);
      await registerSearchAttributes(connection, namespace, searchAttributes);
      await askHistory(connection, namespace);
      const query = searchAttributes.map((name) => `${name} = 'none'`).join(' AND ');
      await connection.workflowService.countWorkflowExecutions({ namespace, query });
      return serverVersion;
    });
  } finally {
    await connection.close();
  }
}

async function keepClosedRuns(connection: Connection, namespace: string): Promise<void> {
  const described = await connection.workflowService.describeNamespace({ namespace });
  if (Number(described.config?.workflowExecutionRetentionTtl?.seconds ?? 0) === LOCAL_RETENTION_S) return;
  // A partial update: what is not set stays as it is.
  await connection.workflowService.updateNamespace({
    namespace,
    config: { workflowExecutionRetentionTtl: msToTs(LOCAL_RETENTION_S * 1000) },
  });
}

async function registerSearchAttributes(
  connection: Connection,
  namespace: string,
  names: readonly string[],
): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = names.filter((name) => !(name in (customAttributes ?? {})));
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
  });
}

/** The frontend answers before the history service does; a start in between would fail. */
async function askHistory(connection: Connection, namespace: string): Promise<void> {
  try {
    const execution = { workflowId: 'holdfast-readiness', runId: '' };
    await connection.workflowService.describeWorkflowExecution({ namespace, execution });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === NOT_FOUND)) throw error;
  }
}
