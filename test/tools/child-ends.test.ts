/** The ends of children: by a cancel, with their parents, and through what Temporal loses. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, eventsToEnd, eventsUntil } from '../support/events.ts';
import { answer, cancel, closedAs, detailsOf, loseWorkflow, waitingOf, workflowOf } from '../support/run-client.ts';
import { until } from '../support/until.ts';
import { type AgentsStack, openAgentsStack, resultsOf, task } from './agents-stack.ts';

let stack: AgentsStack;
beforeAll(async () => {
  stack = await openAgentsStack();
});
afterAll(async () => {
  await stack.close();
});

const rowOf = (run: string) =>
  stack.journal.db
    .selectFrom('runs')
    .select(['epoch', 'last_event_at'])
    .where('id', '=', run)
    .executeTakeFirstOrThrow();

describe('a cancel', () => {
  it('of a parent ends its children, and theirs, before it', async () => {
    const id = await stack.lead(`/parallel\n${task('/think ms=60000')}\n${task(task('/ask Which?'))}\n`);
    await stack.childOf(id, 2);
    const [second, first] = (await stack.childrenOf(id)).map((run) => run.run_id);
    const grandchild = await until(
      async () => (await stack.childrenOf(first ?? '')).concat(await stack.childrenOf(second ?? ''))[0],
      'a grandchild',
    );
    await waitingOf(stack, grandchild.run_id);
    await cancel(stack, id);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(events.at(-1)).toMatchObject({ type: 'run.cancelled', data: { unfinished: [] } });
    for (const run of [first, second, grandchild.run_id]) {
      const ended = (await eventsToEnd(stack, run as string)).at(-1);
      expect(ended?.type).toBe('run.cancelled');
      expect(Date.parse(ended?.created_at as string)).toBeLessThanOrEqual(
        Date.parse(events.at(-1)?.created_at as string),
      );
    }
    expect(await closedAs(stack, id)).toBe('CANCELLED');
    expect(await closedAs(stack, grandchild.run_id)).toBe('CANCELLED');
  });

  it('of a child alone is a result for its parent, which goes on', async () => {
    const id = await stack.lead(task('/think ms=60000'));
    const child = await stack.childOf(id);
    await eventsUntil(stack, child, (event) => event.type === 'turn.started');
    await cancel(stack, child);
    const events = await eventsToEnd(stack, id);
    expect(resultsOf(events)).toMatchObject([{ status: 'error', output: expect.stringContaining('cancelled') }]);
    expect(events.at(-1)?.type).toBe('run.completed');
  });

  it('of a parent in Temporal alone reaches its children', async () => {
    const id = await stack.lead(task('/ask Which?'));
    const child = await stack.childOf(id);
    await waitingOf(stack, child);
    await (await workflowOf(stack, id)).cancel();
    expect((await eventsToEnd(stack, child)).at(-1)?.type).toBe('run.cancelled');
    expect((await eventsToEnd(stack, id)).at(-1)).toMatchObject({ type: 'run.cancelled', data: { unfinished: [] } });
  });

  it('follows the end of a parent that was ended from outside', async () => {
    const id = await stack.lead(task('/ask Which?'));
    const child = await stack.childOf(id);
    await waitingOf(stack, child);
    await (await workflowOf(stack, id)).terminate();
    await stack.relay.sweep(0);
    expect((await detailsOf(stack, id)).error?.code).toBe('engine.terminated');
    expect((await eventsToEnd(stack, child)).at(-1)?.type).toBe('run.cancelled');
  });
});

describe('what Temporal loses', () => {
  it('of a parent is rebuilt, and takes up the child that still works', async () => {
    const id = await stack.lead(task('/ask Which colour?'));
    const child = await stack.childOf(id);
    await waitingOf(stack, child);
    await loseWorkflow(stack, id);
    await stack.relay.sweep(0);
    await answer(stack, child, 'blue');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(resultsOf(events)).toMatchObject([{ output: expect.stringContaining('blue') }]);
    expect(await stack.childrenOf(id)).toHaveLength(1);
  });

  it('of both is taken up where the child stands, also when only the parent is found missing', async () => {
    const id = await stack.lead(task('/ask One?\n/ask Two?\n/say The end.'));
    const child = await stack.childOf(id);
    await waitingOf(stack, child);
    const asked = Date.now();
    await until(() => Date.now() - asked > 4_000, 'the parent is quiet for longer than its child');
    await answer(stack, child, 'first');
    await waitingOf(stack, child, 2);
    await loseWorkflow(stack, id);
    await loseWorkflow(stack, child);
    // As quiet as the parent, not half as quiet: the sweep reads the clock a little later, and must not come upon the child.
    const { last_event_at } = await rowOf(id);
    await stack.relay.sweep(Date.now() - last_event_at);
    expect([(await rowOf(id)).epoch, (await rowOf(child)).epoch]).toEqual([1, 0]);
    await answer(stack, child, 'second');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(resultsOf(events)).toMatchObject([{ output: expect.stringContaining('second') }]);
  });

  it('of a child is rebuilt, and its parent is told of its end', async () => {
    const id = await stack.lead(task('/ask Which colour?'));
    const child = await stack.childOf(id);
    await waitingOf(stack, child);
    await loseWorkflow(stack, child);
    await stack.relay.sweep(0);
    await answer(stack, child, 'blue');
    const events = await eventsToEnd(stack, id);
    expect(resultsOf(events)).toMatchObject([{ output: expect.stringContaining('blue') }]);
    expect(await stack.childrenOf(id)).toHaveLength(1);
  });
});
