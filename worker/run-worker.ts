/** The Temporal worker of a process: built when Temporal is reached, built again when it fails, drained at the end. */
import { setTimeout as delay } from 'node:timers/promises';
import { type NativeConnection, Worker, type WorkerDeploymentOptions, type WorkflowBundle } from '@temporalio/worker';
import type { Logger } from 'pino';
import { type HandoverTimes, openHandover } from '../activities/handover.ts';
import { type ActivityDeps, createActivities } from '../activities/index.ts';
import type { TemporalLink } from '../src/temporal/link.ts';
import { MAX_ACTIVITIES, MAX_CACHED_WORKFLOWS } from './capacity.ts';
import type { Kept, Versioning } from './versioning.ts';

/** A workflow whose worker died is given to another after this long (the default costs 10 s). */
const STICKY_TIMEOUT_MS = 1_000;
/** A cancel reaches an activity with its heartbeat's answer: at most this late, where the direct abort did not come. */
const HEARTBEAT_THROTTLE_MS = 2_000;
/** Steps that are still at work this long after a shutdown began, though they were handed over, are cancelled by Temporal's SDK. */
const SHUTDOWN_GRACE_MS = 6_000;
/** After this long a worker that does not end is left: the process must be gone within 10 s. */
const SHUTDOWN_FORCE_MS = 7_000;
/** A brief call holds the task of its run's workflow; a worker takes as many at once as it answers within their timeout of 3 s. */
const MAX_WORKFLOW_TASKS = 200;
const REBUILD_PAUSE_MS = 2_000;

export type RunningWorker = {
  /** `polling` when it takes tasks. */
  state(): 'connecting' | 'polling' | 'failed';
  /** Stops taking tasks, lets running ones end, and hands over those that do not end in time. */
  close(): Promise<void>;
};

type WorkerOptions = {
  link: TemporalLink;
  taskQueue: string;
  workflowBundle: WorkflowBundle;
  activities: Omit<ActivityDeps, 'handover'>;
  /** How long steps may go on after `close`. */
  handover: HandoverTimes;
  /** Absent where no other process polls the queue. */
  versioning?: Versioning | undefined;
};

/** Runs a worker until closed. */
export function runWorker(options: WorkerOptions & { log: Logger }): RunningWorker {
  const { link, log } = options;
  const handover = openHandover();
  const activities = { ...options.activities, handover };
  let state: ReturnType<RunningWorker['state']> = 'connecting';
  let closed = false;
  let worker: Worker | undefined;
  let kept: Kept | undefined;

  const running = (async () => {
    const { connection } = await link.connected();
    while (!closed) {
      try {
        const deployment = await options.versioning?.deployment();
        const made = await createWorker({ ...options, activities, connection, deployment });
        worker = made;
        if (closed) {
          // A worker holds its connection until it has run and ended.
          await worker.runUntil(Promise.resolve());
          return;
        }
        state = 'polling';
        kept = deployment && options.versioning?.keep(() => made.getState() === 'RUNNING' && made.shutdown());
        await made.run().finally(() => kept?.stop());
      } catch (error) {
        state = 'failed';
        log.error({ error: (error as Error).message }, 'the worker failed; it is built again');
        await delay(REBUILD_PAUSE_MS);
      } finally {
        worker = undefined;
      }
    }
  })().catch((error: Error) => {
    state = 'failed';
    if (!closed) log.error({ error: error.message }, 'no worker runs');
  });

  return {
    state: () => state,
    async close() {
      closed = true;
      handover.begin(options.handover);
      if (worker?.getState() === 'RUNNING') worker.shutdown();
      // It takes no more tasks: an older build takes over while the steps under way end.
      await kept?.stop();
      if (link.current()) await running;
      handover.done();
    },
  };
}

function createWorker(
  options: Omit<WorkerOptions, 'activities' | 'handover' | 'versioning'> & {
    connection: NativeConnection;
    activities: ActivityDeps;
    deployment: WorkerDeploymentOptions | undefined;
  },
): Promise<Worker> {
  return Worker.create({
    connection: options.connection,
    namespace: options.link.namespace,
    taskQueue: options.taskQueue,
    workflowBundle: options.workflowBundle,
    activities: createActivities(options.activities),
    maxConcurrentActivityTaskExecutions: MAX_ACTIVITIES,
    maxConcurrentLocalActivityExecutions: MAX_ACTIVITIES,
    maxConcurrentWorkflowTaskExecutions: MAX_WORKFLOW_TASKS,
    maxCachedWorkflows: MAX_CACHED_WORKFLOWS,
    stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT_MS,
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
    shutdownForceTime: SHUTDOWN_FORCE_MS,
    ...(options.deployment ? { workerDeploymentOptions: options.deployment } : {}),
  });
}
