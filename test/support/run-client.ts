/** A run as its client and its operator handle it, for tests on a whole stack. */
import type { RunDetails } from '../../src/runs/types.ts';
import { eventsUntil, type SeenEvent } from './events.ts';
import type { Stack } from './stack.ts';
import { until } from './until.ts';

/** Posts a run and gives its id. */
export async function createRun(stack: Stack, body: string | Record<string, unknown>): Promise<string> {
  const response = await stack.send('POST', '/v1/runs', { body: typeof body === 'string' ? { input: body } : body });
  if (response.status !== 201) throw new Error(`create: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { run_id: string }).run_id;
}

export async function detailsOf(stack: Stack, runId: string): Promise<RunDetails> {
  return (await (await stack.send('GET', `/v1/runs/${runId}`)).json()) as RunDetails;
}

export const answer = (stack: Stack, runId: string, content: string, requestId?: string) =>
  stack.send('POST', `/v1/runs/${runId}/input`, {
    body: { content, ...(requestId === undefined ? {} : { request_id: requestId }) },
  });

export const cancel = (stack: Stack, runId: string) => stack.send('POST', `/v1/runs/${runId}:cancel`);

/** The status and code of a refusal, or the status alone. */
export async function outcomeOf(response: Response): Promise<[number, string | undefined]> {
  const body = (await response.json()) as { code?: string };
  return [response.status, body.code];
}

/** Waits for the run's `count`-th request to be open, and gives its event. */
export async function waitingOf(stack: Stack, runId: string, count = 1): Promise<SeenEvent> {
  let seen = 0;
  const isWaiting = (event: SeenEvent) => event.type === 'run.waiting_for_input' && ++seen === count;
  return (await eventsUntil(stack, runId, isWaiting)).at(-1) as SeenEvent;
}

/** A persona whose requests expire after `seconds`. */
export async function shortPersona(stack: Stack, seconds: number): Promise<string> {
  const key = `short-${seconds}`.replace('.', '-');
  const body = { key, tools: ['ask_user'], input_timeout_s: seconds };
  const response = await stack.send('POST', '/v1/personas', { body });
  if (response.status !== 201) throw new Error(`persona: ${response.status} ${await response.text()}`);
  return key;
}

/** The run's workflow, as an operator with a Temporal client holds it. */
export async function workflowOf(stack: Stack, runId: string) {
  const { client } = await stack.link.connected();
  return client.workflow.getHandle(runId);
}

/** Waits until the workflow has closed, and gives how. */
export async function closedAs(stack: Stack, runId: string): Promise<string> {
  const handle = await workflowOf(stack, runId);
  const closed = async () => {
    const { status } = await handle.describe();
    return status.name === 'RUNNING' ? undefined : status.name;
  };
  return await until(closed, 'the workflow closes');
}

/** Waits until Temporal has the run's workflow. */
export async function workflowExists(stack: Stack, runId: string): Promise<void> {
  await stack.link.connected();
  await until(async () => (await stack.engine.describe(runId)).status === 'running', 'the workflow exists');
}

/** Deletes the run's workflow from Temporal, as if its database had been lost, and waits until Temporal knows nothing of it. */
export async function loseWorkflow(stack: Stack, runId: string): Promise<void> {
  const { connection } = await stack.link.connected();
  await parentNoted(stack, runId);
  const execution = { namespace: 'default', workflowExecution: { workflowId: runId } };
  await connection.workflowService.deleteWorkflowExecution(execution);
  const gone = async () => (await stack.engine.describe(runId)).status === 'not_found';
  await until(gone, 'Temporal has forgotten the workflow', 20_000);
}

/** Waits until the workflow's parent, if it has one, has noted its start: Temporal starts a child once more that is deleted before. */
async function parentNoted(stack: Stack, runId: string): Promise<void> {
  const { parentExecution } = await (await workflowOf(stack, runId)).describe();
  const parentId = parentExecution?.workflowId;
  if (!parentId || (await stack.engine.describe(parentId)).status !== 'running') return;
  const parent = await workflowOf(stack, parentId);
  const noted = async () => {
    const { raw } = await parent.describe();
    return raw.pendingChildren?.some((child) => child.workflowId === runId && child.runId);
  };
  await until(noted, 'the parent has noted the start of its child');
}

export type Work = { run_id: string; org_id: string; epoch: number };

/** What a transaction of the engine's side names a run by. */
export async function refOf(stack: Stack, runId: string): Promise<Work> {
  const { org_id, epoch } = await stack.journal.db
    .selectFrom('runs')
    .select(['org_id', 'epoch'])
    .where('id', '=', runId)
    .executeTakeFirstOrThrow();
  return { org_id, run_id: runId, epoch };
}
