/** Runs that other runs start: a call of `run_agent` is answered by a run of its own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, eventsToEnd, story } from '../support/events.ts';
import { answer, closedAs, createRun, detailsOf, waitingOf, workflowOf } from '../support/run-client.ts';
import { until } from '../support/until.ts';
import { type AgentsStack, openAgentsStack, resultsOf, task } from './agents-stack.ts';

let stack: AgentsStack;
beforeAll(async () => {
  stack = await openAgentsStack();
});
afterAll(async () => {
  await stack.close();
});

describe('a call of run_agent', () => {
  it('is answered by a run of its own, which the events of its parent name', async () => {
    const id = await stack.lead(task('/say The answer is 42.'));
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(story(events)).toEqual([
      ...['run.started', 'turn.started', 'message.completed', 'tool.call', 'tool.progress', 'tool.result'],
      ...['turn.started', 'message.delta', 'message.completed', 'run.completed'],
    ]);
    const [child] = await stack.childrenOf(id);
    const named = events.find((event) => event.type === 'tool.progress')?.data;
    expect(named).toMatchObject({ run_id: child?.run_id, thread_id: child?.thread_id, persona_id: 'helper@1' });
    expect(resultsOf(events)).toMatchObject([{ name: 'run_agent', status: 'ok', output: 'The answer is 42.' }]);
    expect(events.at(-1)?.data.output).toContain('The answer is 42.');
    expect(await detailsOf(stack, child?.run_id as string)).toMatchObject({ status: 'completed', parent_run_id: id });
    checkHistory(await eventsToEnd(stack, child?.run_id as string));
  });

  it('is a child workflow of its parent in Temporal', async () => {
    const id = await stack.lead(task('/say Hello.'));
    await eventsToEnd(stack, id);
    const child = await stack.childOf(id);
    const described = await (await workflowOf(stack, child)).describe();
    expect(described.raw.workflowExecutionInfo?.parentExecution?.workflowId).toBe(id);
    expect(await closedAs(stack, child)).toBe('COMPLETED');
    expect(
      await stack.journal.db.selectFrom('outbox').selectAll().where('run_id', 'in', [id, child]).execute(),
    ).toEqual([]);
  });

  it('runs beside others, their results in the order of the calls', async () => {
    const id = await stack.lead(
      `/parallel\n${task('/think ms=600\n/say first')}\n${task('/fail status=401')}\n${task('/say third')}\n`,
    );
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(
      resultsOf(events)
        .map((result) => result.status)
        .sort(),
    ).toEqual(['error', 'ok', 'ok']);
    const said = String(events.at(-1)?.data.output);
    expect(said.indexOf('first')).toBeLessThan(said.indexOf('third'));
    expect(said).toContain('provider.unauthorized');
    expect(await stack.childrenOf(id)).toHaveLength(3);
  });

  it('that names no persona is an error for the model, and starts nothing', async () => {
    const id = await stack.lead(task('/say Hello.', 'nobody'));
    expect(resultsOf(await eventsToEnd(stack, id))).toMatchObject([
      { status: 'error', output: expect.stringContaining('No persona nobody') },
    ]);
    expect(await stack.childrenOf(id)).toEqual([]);
  });

  it('whose arguments do not fit is an error for the model', async () => {
    const id = await stack.lead('/tool run_agent {"persona": "helper"}');
    expect(resultsOf(await eventsToEnd(stack, id))).toMatchObject([{ status: 'error' }]);
  });

  it('waits for its approval where the persona says so', async () => {
    await stack.persona({ key: 'careful', tools: ['run_agent'], approval: { run_agent: 'always' } });
    const id = await createRun(stack, { persona_id: 'careful', input: task('/say Hello.') });
    await waitingOf(stack, id);
    expect(await stack.childrenOf(id)).toEqual([]);
    await answer(stack, id, 'approve');
    expect(resultsOf(await eventsToEnd(stack, id))).toMatchObject([{ status: 'ok', output: 'Hello.' }]);
  });

  it('of agents that hand their task on and on is refused in the end', async () => {
    let input = '/say The bottom.';
    for (let depth = 0; depth < 9; depth++) input = task(input);
    const events = await eventsToEnd(stack, await stack.lead(input));
    expect(JSON.stringify(events.at(-1)?.data.output)).toContain('at most 8 agents');
  });
});

describe('a child that waits for its human', () => {
  it('is shown by its parent, and is answered itself', async () => {
    const id = await stack.lead(task('/ask Which colour?'));
    const child = await stack.childOf(id);
    const { data } = await waitingOf(stack, child);
    const parent = await detailsOf(stack, id);
    expect(parent.status).toBe('running');
    expect(parent.pending_inputs).toMatchObject([
      { request_id: data.request_id, run_id: child, kind: 'question', prompt: 'Which colour?' },
    ]);
    const misplaced = await answer(stack, id, 'blue', String(data.request_id));
    expect(misplaced.status).toBe(404);
    expect(await misplaced.text()).toContain(`${child}: answer it there`);
    expect((await answer(stack, child, 'blue')).status).toBe(200);
    expect(resultsOf(await eventsToEnd(stack, id))).toMatchObject([{ output: expect.stringContaining('blue') }]);
  });

  it('does not use up the time of its parent', async () => {
    const id = await stack.lead(task('/ask Which colour?'), { budget: { timeout_s: 6 } });
    const child = await stack.childOf(id);
    await waitingOf(stack, child);
    const since = Date.now();
    await until(() => Date.now() - since > 6_500, 'more than the time of the budget has passed');
    await answer(stack, child, 'blue');
    expect((await eventsToEnd(stack, id)).at(-1)?.type).toBe('run.completed');
  });
});
