/** What Holdfast asks of Temporal for a run, each call bounded in time and harmless to repeat. */
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import {
  type AgentRunInput,
  INPUT_SIGNAL,
  type RunState,
  STATE_QUERY,
  summaryOf,
  WORKFLOW_TASK_TIMEOUT_MS,
  WORKFLOW_TYPE,
} from '../../workflows/run-input.ts';
import { searchAttributesOf } from '../../workflows/search-attributes.ts';
import { type Connected, connectedNow, RPC_TIMEOUT_MS, type TemporalLink } from './link.ts';
import { describeTaskQueue, type TaskQueue } from './task-queue.ts';

/** A look whether Temporal answers; `/readyz` waits no longer. */
const PING_TIMEOUT_MS = 2_000;
/** All pages of a list together. */
const LIST_TIMEOUT_MS = 60_000;
/**
 * Workflows of a list asked for at a time, and how often: a page of 1,000 keeps the server's core busy for 0.1 s, and a namespace may ask
 * its visibility store ten times a second (`frontend.namespaceRPS.visibility`).
 */
const LIST_PAGE = 250;
const LIST_PAGE_EVERY_MS = 200;

export type StartRun = {
  org_id: string;
  run_id: string;
  thread_id: string;
  epoch: number;
  persona: string;
  model: string;
};

export type WorkflowStatus = 'running' | 'completed' | 'failed' | 'canceled' | 'terminated' | 'timed_out' | 'not_found';

export type Described = {
  status: WorkflowStatus;
  /** Temporal's own id of this execution: another after a reset, or when it was continued as new; empty when there is none. */
  execution: string;
  /** No activity, child or workflow task is under way: it waits for a signal or a timer. */
  idle: boolean;
  /** How often its workflow task, if there is one, has been tried. */
  task_attempt: number;
  attempt: number | null;
  last_failure: string | null;
  next_retry_at: string | null;
};

export class Engine {
  readonly link: TemporalLink;
  readonly #taskQueue: string;

  constructor(link: TemporalLink, taskQueue: string) {
    this.link = link;
    this.#taskQueue = taskQueue;
  }

  /**
   * Starts the run's workflow, its id the run's id. A first start that finds one is done already; a rebuild takes the place of
   * one that has closed, and with `instead` of one that runs, which is terminated in the same step. False when a closed workflow
   * stands in the way of a first start.
   */
  async start(run: StartRun, { instead = false } = {}): Promise<boolean> {
    const { client, searchable } = connectedNow(this.link);
    const rebuild = run.epoch > 0;
    const input: AgentRunInput = {
      org_id: run.org_id,
      run_id: run.run_id,
      epoch: run.epoch,
      resume: rebuild,
      searchable,
      persona: run.persona,
      model: run.model,
    };
    try {
      await this.#bounded(() =>
        client.workflow.start(WORKFLOW_TYPE, {
          taskQueue: this.#taskQueue,
          workflowId: run.run_id,
          workflowIdReusePolicy: rebuild ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
          workflowIdConflictPolicy: instead ? 'TERMINATE_EXISTING' : 'USE_EXISTING',
          workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT_MS,
          requestEagerStart: true,
          staticSummary: summaryOf(run),
          priority: { fairnessKey: run.org_id.slice(0, 64) },
          ...(searchable ? { typedSearchAttributes: searchAttributesOf(run) } : {}),
          args: [input],
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw error;
    }
  }

  /** Wakes a run that waits: the signal carries the request's id alone. False when there is no such workflow (yet). */
  async signalInput(runId: string, requestId: string): Promise<boolean> {
    return await this.#found((client) => client.workflow.getHandle(runId).signal(INPUT_SIGNAL, requestId));
  }

  /** Asks Temporal to cancel the run's workflow. False when there is none. */
  async cancel(runId: string): Promise<boolean> {
    return await this.#found((client) => client.workflow.getHandle(runId).cancel());
  }

  /** Ends the workflow of a run that has ended, where it cannot end itself. False when there is none. */
  async terminate(runId: string): Promise<boolean> {
    return await this.#found((client) => client.workflow.getHandle(runId).terminate('its run has ended'));
  }

  /** What Temporal's own store (not its visibility) says of the run's workflow. */
  async describe(runId: string): Promise<Described> {
    const { client } = connectedNow(this.link);
    try {
      const { status, runId: execution, raw } = await this.#bounded(() => client.workflow.getHandle(runId).describe());
      const activity = raw.pendingActivities?.[0];
      return {
        status: statusOf(status.name),
        execution,
        idle: !activity && !raw.pendingChildren?.length && !raw.pendingWorkflowTask,
        task_attempt: raw.pendingWorkflowTask?.attempt ?? 0,
        attempt: activity?.attempt ?? null,
        last_failure: activity?.lastFailure?.message ?? null,
        next_retry_at: timeOf(activity?.scheduledTime, activity?.state),
      };
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      const nothing = { attempt: null, last_failure: null, next_retry_at: null };
      return { status: 'not_found', execution: '', idle: true, task_attempt: 0, ...nothing };
    }
  }

  /**
   * What the history says last of a try at the run's workflow task: of its first one, since later ones seldom leave an event. `failed`: the
   * history is not what the workflow's code makes of it. `timed_out`: the worker that had it said nothing. Undefined: something else.
   */
  async recordedTry(runId: string): Promise<'failed' | 'timed_out' | undefined> {
    const { connection } = connectedNow(this.link);
    const latest = await this.#bounded(() =>
      connection.workflowService.getWorkflowExecutionHistoryReverse({
        namespace: this.link.namespace,
        execution: { workflowId: runId },
        maximumPageSize: NEWEST_PAGE,
      }),
    );
    for (const event of latest.history?.events ?? []) {
      if (event.workflowTaskFailedEventAttributes?.cause === NON_DETERMINISTIC) return 'failed';
      if (event.workflowTaskTimedOutEventAttributes?.timeoutType === START_TO_CLOSE) return 'timed_out';
      if (event.workflowTaskFailedEventAttributes || event.workflowTaskCompletedEventAttributes) return undefined;
    }
    return undefined;
  }

  /** The live picture of the run's workflow; needs a worker. */
  async state(runId: string): Promise<RunState> {
    const { client } = connectedNow(this.link);
    return await this.#bounded(() => client.workflow.getHandle(runId).query<RunState>(STATE_QUERY));
  }

  /** Whether Temporal answers: throws when it does not. */
  async ping(): Promise<void> {
    const { connection } = connectedNow(this.link);
    await connection.withDeadline(Date.now() + PING_TIMEOUT_MS, () => connection.workflowService.getSystemInfo({}));
  }

  /** Workers that poll our task queue now, in any process, and are of the build that is given its tasks. */
  async pollers(): Promise<number> {
    const { current, polling } = await this.queue();
    return polling.filter((build) => build === current).length;
  }

  /** Which builds poll our task queue, and which of them is given its tasks. */
  async queue(): Promise<TaskQueue> {
    return await describeTaskQueue(this.link, this.#taskQueue);
  }

  /**
   * The workflows of our task queue that Temporal lists as running, each with its execution: which describes can be spared, never
   * which runs are gone. Takes its time: `LIST_PAGE` of them every `LIST_PAGE_EVERY_MS`. Rejects between two pages when `signal` is
   * aborted.
   */
  async listRunning(signal?: AbortSignal): Promise<Map<string, string>> {
    return await this.#list("ExecutionStatus = 'Running'", signal);
  }

  /** The workflows of our task queue that Temporal lists as ended by somebody else than themselves since then, each with its execution. */
  async listEnded(since: number, signal?: AbortSignal): Promise<Map<string, string>> {
    const sinceThen = `CloseTime >= '${new Date(since).toISOString()}'`;
    return await this.#list(`ExecutionStatus IN ('Terminated', 'TimedOut', 'Failed') AND ${sinceThen}`, signal);
  }

  /** By workflow, the latest execution of those that a query of the visibility store finds. */
  async #list(which: string, signal?: AbortSignal): Promise<Map<string, string>> {
    const { connection } = connectedNow(this.link);
    const queue = this.#taskQueue.replaceAll("'", "\\'");
    const query = `WorkflowType = '${WORKFLOW_TYPE}' AND TaskQueue = '${queue}' AND ${which}`;
    const found = new Map<string, string>();
    const until = Date.now() + LIST_TIMEOUT_MS;
    let nextPageToken: Uint8Array | null | undefined;
    for (;;) {
      const asked = Date.now();
      const request = { namespace: this.link.namespace, query, pageSize: LIST_PAGE, nextPageToken };
      const page = await this.#bounded(() => connection.workflowService.listWorkflowExecutions(request));
      for (const { execution } of page.executions) {
        if (execution?.workflowId && execution.runId) found.set(execution.workflowId, execution.runId);
      }
      nextPageToken = page.nextPageToken;
      if (!nextPageToken?.length) return found;
      if (Date.now() > until)
        throw new Error(`Temporal listed ${found.size} workflows in ${LIST_TIMEOUT_MS} ms, and has more.`);
      await delay(Math.max(0, asked + LIST_PAGE_EVERY_MS - Date.now()), undefined, { signal });
    }
  }

  async #found(call: (client: Connected['client']) => Promise<unknown>): Promise<boolean> {
    const { client } = connectedNow(this.link);
    try {
      await this.#bounded(() => call(client));
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  #bounded<T>(call: () => Promise<T>): Promise<T> {
    return connectedNow(this.link).connection.withDeadline(Date.now() + RPC_TIMEOUT_MS, call);
  }
}

function statusOf(name: string): WorkflowStatus {
  // Temporal's API spells it with one l, its TypeScript SDK with two.
  if (name === 'CANCELLED' || name === 'CANCELED') return 'canceled';
  const known = ['COMPLETED', 'FAILED', 'TERMINATED', 'TIMED_OUT'];
  return known.includes(name) ? (name.toLowerCase() as WorkflowStatus) : 'running';
}

const SCHEDULED = 1;
/** A task that failed is followed by little: signals, a request to cancel. */
const NEWEST_PAGE = 20;
/** `WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR` */
const NON_DETERMINISTIC = 24;
/** `TIMEOUT_TYPE_START_TO_CLOSE`: no answer in `WORKFLOW_TASK_TIMEOUT_MS`, not a task that waited for a worker. */
const START_TO_CLOSE = 1;

function timeOf(time: { seconds?: unknown; nanos?: number | null } | null | undefined, state: unknown): string | null {
  if (!time?.seconds || state !== SCHEDULED) return null;
  return new Date(Number(time.seconds) * 1000 + Math.floor((time.nanos ?? 0) / 1e6)).toISOString();
}
