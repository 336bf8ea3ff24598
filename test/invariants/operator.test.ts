/** What an operator does in Temporal passes through the same journal transactions, and the workflow closes as the run ended. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunState } from '../../workflows/run-input.ts';
import { checkHistory, eventsToEnd, eventsUntil, story } from '../support/events.ts';
import { answer, closedAs, createRun, detailsOf, waitingOf, workflowOf } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await openStack();
});
afterAll(async () => {
  await stack.close();
});

const DAY_S = 86_400;

describe('a cancel in Temporal', () => {
  it.each([
    ['a streaming run', '/say Hello.\n/think ms=20000', 'message.delta'],
    ['a waiting run', '/ask Which colour?', 'run.waiting_for_input'],
  ])('of %s ends it as run.cancelled, told as requested by temporal', async (_what, input, reached) => {
    const id = await createRun(stack, input);
    await eventsUntil(stack, id, (event) => event.type === reached);
    await (await workflowOf(stack, id)).cancel();
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(story(events).slice(-2)).toEqual(['run.cancel_requested', 'run.cancelled']);
    expect(events.at(-2)?.data).toEqual({ by: 'temporal' });
    expect(await closedAs(stack, id)).toBe('CANCELLED');
  });
});

describe('a workflow terminated in Temporal', () => {
  it.each([
    ['while streaming', '/say Hello.\n/think ms=20000', 'message.delta'],
    ['while waiting', '/ask Which colour?', 'run.waiting_for_input'],
  ])('%s ends its run with engine.terminated and frees the thread', async (_what, input, reached) => {
    const id = await createRun(stack, input);
    await eventsUntil(stack, id, (event) => event.type === reached);
    await (await workflowOf(stack, id)).terminate('by an operator');
    await stack.relay.sweep(0);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', data: { error: { code: 'engine.terminated' } } });
    const { thread_id } = await detailsOf(stack, id);
    const thread = await (await stack.send('GET', `/v1/threads/${thread_id}`)).json();
    expect(thread).toMatchObject({ active_run_id: null });
  });
});

describe('a run whose workflow lives', () => {
  it('is left alone by the comparison with Temporal', async () => {
    const id = await createRun(stack, '/ask Which colour?');
    await waitingOf(stack, id);
    const before = await detailsOf(stack, id);
    await stack.relay.sweep(0);
    await stack.relay.sweep(0);
    expect(await detailsOf(stack, id)).toEqual(before);
    await answer(stack, id, 'blue');
    checkHistory(await eventsToEnd(stack, id));
  });
});

describe('a workflow', () => {
  it('carries its organisation as Temporal’s fairness key', async () => {
    const id = await createRun(stack, 'hello');
    await eventsToEnd(stack, id);
    const { raw } = await (await workflowOf(stack, id)).describe();
    expect(raw.workflowExecutionInfo?.priority?.fairnessKey).toBe('org_a');
  });

  it('closes as Completed when its run completed', async () => {
    const id = await createRun(stack, 'hello');
    await eventsToEnd(stack, id);
    expect(await closedAs(stack, id)).toBe('COMPLETED');
  });

  it('closes as Failed, typed by the code, when its run failed', async () => {
    const id = await createRun(stack, '/fail status=401');
    const failed = (await eventsToEnd(stack, id)).at(-1);
    expect(failed?.data).toMatchObject({ error: { code: 'provider.unauthorized' } });
    const failure = await (await workflowOf(stack, id)).result().catch((error: Error) => error);
    expect(failure).toMatchObject({ cause: { type: 'provider.unauthorized' } });
  });

  it('closes as Canceled when its run was cancelled', async () => {
    const id = await createRun(stack, '/think ms=20000');
    await eventsUntil(stack, id, (event) => event.type === 'turn.started');
    await stack.send('POST', `/v1/runs/${id}:cancel`);
    await eventsToEnd(stack, id);
    expect(await closedAs(stack, id)).toBe('CANCELLED');
  });
});

describe('a run that waits for its human', () => {
  it('holds no activity, and its workflow no task (invariant 9)', async () => {
    const id = await createRun(stack, '/ask Which colour?');
    await waitingOf(stack, id);
    const handle = await workflowOf(stack, id);
    const state = async () => (await handle.query<RunState>('state')).waiting_for.length > 0;
    await until(state, 'the workflow waits');
    const { raw } = await handle.describe();
    expect(raw.pendingActivities ?? []).toEqual([]);
    expect(raw.pendingWorkflowTask ?? null).toBeNull();
    // One timer to the expiry in seven days, and nothing that would wake the workflow before.
    const { events } = await handle.fetchHistory();
    const timers = (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) => timer ?? []);
    expect(timers.map((timer) => Math.ceil(Number(timer.startToFireTimeout?.seconds) / DAY_S))).toEqual([7]);
    expect((events ?? []).filter((event) => event.activityTaskScheduledEventAttributes)).toHaveLength(1);
  });
});
