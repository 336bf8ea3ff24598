/** An operator resets, signals and starts workflows in Temporal: journal and workflow agree again, and nothing is done twice. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunState } from '../../workflows/run-input.ts';
import { checkHistory, eventsToEnd, story, types } from '../support/events.ts';
import { answer, closedAs, createRun, detailsOf, refOf, waitingOf, workflowOf } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await openStack();
});
afterAll(async () => {
  await stack.close();
});

const SIGNAL_EXCLUDED = 1;
const REAPPLY_ALL_ELIGIBLE = 3;

/** Resets the run's workflow to its first task, without the signals that it got since. */
async function reset(runId: string): Promise<void> {
  const { connection } = await stack.link.connected();
  const handle = await workflowOf(stack, runId);
  const { runId: execution } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const firstTask = events?.find((event) => event.workflowTaskCompletedEventAttributes);
  await connection.workflowService.resetWorkflowExecution({
    ...{ namespace: 'default', workflowExecution: { workflowId: runId, runId: execution }, reason: 'by an operator' },
    ...{ workflowTaskFinishEventId: firstTask?.eventId, requestId: `${execution}-reset` },
    ...{ resetReapplyType: REAPPLY_ALL_ELIGIBLE, resetReapplyExcludeTypes: [SIGNAL_EXCLUDED] },
  });
}

const waitsFor = async (runId: string) => (await (await workflowOf(stack, runId)).query<RunState>('state')).waiting_for;

describe('a reset', () => {
  it('of a waiting run to before its first answer takes nothing twice, and it waits where it waited', async () => {
    const id = await createRun(stack, '/ask First?\n/ask Second?\n/say Done.');
    await waitingOf(stack, id, 1);
    await answer(stack, id, 'one');
    const second = String((await waitingOf(stack, id, 2)).data.request_id);
    const before = await detailsOf(stack, id);
    await reset(id);
    await until(async () => (await waitsFor(id)).length > 0, 'the workflow waits again');
    expect(await waitsFor(id)).not.toContain(second);
    await stack.relay.sweep(0);
    await until(async () => (await waitsFor(id)).includes(second), 'it waits for the second answer');
    expect((await detailsOf(stack, id)).last_seq).toBe(before.last_seq);
    expect(await refOf(stack, id)).toMatchObject({ epoch: 0 });
    await answer(stack, id, 'two');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(story(events).filter((type) => type === 'turn.started')).toHaveLength(3);
    expect(await closedAs(stack, id)).toBe('COMPLETED');
  });

  it('of a run that has ended closes as it did, and adds no event', async () => {
    const id = await createRun(stack, '/ask First?\n/say Done.');
    await waitingOf(stack, id);
    await answer(stack, id, 'one');
    const events = await eventsToEnd(stack, id);
    expect(await closedAs(stack, id)).toBe('COMPLETED');
    await reset(id);
    await stack.relay.sweep(0);
    expect(await closedAs(stack, id)).toBe('COMPLETED');
    expect(await eventsToEnd(stack, id)).toEqual(events);
  });
});

describe('a signal', () => {
  it.each([
    ['without an argument', []],
    ['with an object', [{ request_id: 'x', deep: [1, null] }]],
    ['with a number', [42]],
    ['with null', [null]],
    ['with the id of nothing', ['input_of_nobody']],
    ['with a long text', ['x'.repeat(100_000)]],
    ['with more than is asked for', ['a', 'b', 'c']],
  ])('%s changes nothing: the run waits, and its answer is taken', async (_what, args) => {
    const id = await createRun(stack, '/ask Which colour?');
    await waitingOf(stack, id);
    const handle = await workflowOf(stack, id);
    await handle.signal('input', ...args);
    await handle.signal('no_such_signal', ...args);
    expect(await waitsFor(id)).toHaveLength(1);
    await answer(stack, id, 'blue');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(events.at(-1)?.type).toBe('run.completed');
  });

  it('that claims an answer which was not given makes the run wait on', async () => {
    const id = await createRun(stack, '/ask Which colour?');
    const request = String((await waitingOf(stack, id)).data.request_id);
    const before = await detailsOf(stack, id);
    await (await workflowOf(stack, id)).signal('input', request);
    await stack.relay.sweep(0);
    await until(async () => (await waitsFor(id)).includes(request), 'the workflow waits for it again');
    expect(await detailsOf(stack, id)).toEqual(before);
    await answer(stack, id, 'blue');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(types(events).filter((type) => type === 'run.input_received')).toHaveLength(1);
  });
});

it('a workflow that somebody starts for a run that is not in the journal closes by itself', async () => {
  const { client } = await stack.link.connected();
  const workflowId = 'run_of_nobody_at_all';
  const input = { org_id: 'org_a', run_id: workflowId, epoch: 0, resume: false, searchable: false };
  await client.workflow.start('agentRun', {
    ...{ workflowId, taskQueue: stack.config.taskQueue, args: [{ ...input, persona: 'p', model: 'm' }] },
  });
  expect(await client.workflow.getHandle(workflowId).result()).toEqual({ status: 'superseded' });
});
