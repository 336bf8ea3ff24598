/** When a Temporal cluster can be used. */
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { randomText } from '../../src/ids.ts';
import { isListening } from '../../src/temporal/local-server/free-port.ts';
import { LOCAL_RETENTION_S } from '../../src/temporal/local-server/server-settings.ts';
import { until } from './until.ts';

const READY_WITHIN_MS = 60_000;
const CALL_TIMEOUT_MS = 5_000;
/** `google.rpc.Code.ALREADY_EXISTS`. */
const ALREADY_EXISTS = 6;
const NAMESPACE = 'default';

/**
 * Registers the namespace where it is missing, and waits until a workflow task goes round: each service learns of a
 * namespace by itself, some seconds later. Throws the last refusal after READY_WITHIN_MS, or when `signal` is aborted.
 */
export async function untilClusterReady(address: string, signal: AbortSignal): Promise<void> {
  const port = Number(address.split(':')[1]);
  let refusal = 'nothing listens there';
  const isReady = async () => {
    signal.throwIfAborted();
    // A bare connect first: gRPC waits a second after its first refusal.
    if (!(await isListening(port))) return false;
    try {
      await useOnce(address);
      return true;
    } catch (error) {
      refusal = (error as Error).message;
      return false;
    }
  };
  await until(isReady, `a Temporal cluster at ${address}`, READY_WITHIN_MS).catch((error: Error) => {
    throw new Error(`${error.message}: ${refusal}`);
  });
}

async function useOnce(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: CALL_TIMEOUT_MS });
  try {
    await connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, async () => {
      await registerNamespace(connection, NAMESPACE);
      await goRound(connection);
    });
  } finally {
    await connection.close();
  }
}

/** Registers the namespace unless it is there. */
export async function registerNamespace({ workflowService }: Connection, namespace: string): Promise<void> {
  try {
    const workflowExecutionRetentionPeriod = msToTs(LOCAL_RETENTION_S * 1000);
    await workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === ALREADY_EXISTS)) throw error;
  }
}

/** A start through frontend and history, its task through matching to a poller, and an end. */
async function goRound({ workflowService }: Connection): Promise<void> {
  const id = `cluster-ready-${randomText(8)}`;
  const [namespace, taskQueue, workflowExecution] = [NAMESPACE, { name: id }, { workflowId: id }];
  await workflowService.startWorkflowExecution({
    ...{ namespace, taskQueue, workflowId: id, requestId: id, workflowType: { name: id } },
  });
  const { taskToken } = await workflowService.pollWorkflowTaskQueue({ namespace, taskQueue, identity: id });
  if (!taskToken?.length) throw new Error('no workflow task came');
  await workflowService.terminateWorkflowExecution({ namespace, workflowExecution, identity: id });
}
