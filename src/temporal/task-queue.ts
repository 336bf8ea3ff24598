/** Who polls our task queue, and to which build of Holdfast Temporal gives its tasks. */
import { connectedNow, RPC_TIMEOUT_MS, type TemporalLink } from './link.ts';

/** A look at the queue; `/readyz` waits no longer. */
const DESCRIBE_TIMEOUT_MS = 2_000;
const WORKFLOW_TASK_QUEUE = 1;
/** gRPC's NOT_FOUND, PERMISSION_DENIED and UNIMPLEMENTED. */
const NOT_FOUND = 5;
const FORBIDDEN = [7, 12];

/** Null stands for workers without a version. */
type Build = string | null;

export type TaskQueue = {
  /** The build whose workers are given tasks. */
  current: Build;
  /** The builds of the workers that poll. */
  polling: Build[];
};

/** Temporal's name of all versions of Holdfast that share a task queue. A dot and a colon are not allowed in it. */
export const deploymentOf = (taskQueue: string) => taskQueue.replaceAll('.', '%2E').replaceAll(':', '%3A');

/** What polls now, of its first partition; a worker that was killed is listed for up to five minutes. */
export async function describeTaskQueue(link: TemporalLink, taskQueue: string): Promise<TaskQueue> {
  const { connection } = connectedNow(link);
  const described = await connection.withDeadline(Date.now() + DESCRIBE_TIMEOUT_MS, () =>
    connection.workflowService.describeTaskQueue({
      namespace: link.namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: WORKFLOW_TASK_QUEUE,
    }),
  );
  return {
    current: described.versioningInfo?.currentDeploymentVersion?.buildId ?? null,
    polling: (described.pollers ?? []).map(({ deploymentOptions }) => versioned(deploymentOptions)),
  };
}

const VERSIONED = 2;

function versioned(options: { buildId?: string | null; workerVersioningMode?: unknown } | null | undefined): Build {
  return options?.workerVersioningMode === VERSIONED ? (options.buildId ?? null) : null;
}

/** Whether Temporal knows worker versions and lets us use them: it came with server 1.28, and may be off or forbidden. */
export async function mayUseVersions(link: TemporalLink, taskQueue: string): Promise<boolean> {
  const { connection } = connectedNow(link);
  try {
    await connection.withDeadline(Date.now() + RPC_TIMEOUT_MS, () =>
      connection.workflowService.describeWorkerDeployment({
        namespace: link.namespace,
        deploymentName: deploymentOf(taskQueue),
      }),
    );
    return true;
  } catch (error) {
    if (codeOf(error) === NOT_FOUND) return true;
    if (isForbidden(error)) return false;
    throw error;
  }
}

/** From here on the build's workers are given the tasks of all runs. Fails until one of them has polled. */
export async function setCurrentBuild(link: TemporalLink, taskQueue: string, buildId: string): Promise<void> {
  const { connection } = connectedNow(link);
  await connection.withDeadline(Date.now() + RPC_TIMEOUT_MS, () =>
    connection.workflowService.setWorkerDeploymentCurrentVersion({
      namespace: link.namespace,
      deploymentName: deploymentOf(taskQueue),
      buildId,
      identity: 'holdfast',
    }),
  );
}

export const isForbidden = (error: unknown) => FORBIDDEN.includes(codeOf(error) ?? -1);

const codeOf = (error: unknown) => (error as { code?: number }).code;
