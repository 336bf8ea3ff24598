/** Runs that other runs start: a call of `run_agent` is answered by a run of its own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunRow } from '../../src/runs/types.ts';
import { checkHistory, eventsToEnd, eventsUntil, type SeenEvent, story } from '../support/events.ts';
import {
  answer,
  cancel,
  closedAs,
  createRun,
  detailsOf,
  loseWorkflow,
  waitingOf,
  workflowOf,
} from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await openStack({
    routes: [
      { id: 'demo', provider: 'demo' },
      { id: 'priced', provider: 'demo', model: 'priced', price: { input: 0, output: 1000 } },
    ],
  });
  await persona({ key: 'lead', tools: ['ask_user', 'run_agent', 'wait'] });
  await persona({ key: 'priced-lead', route_id: 'priced', tools: ['run_agent'] });
  await persona({ key: 'helper', tools: ['ask_user', 'run_agent', 'wait'] });
  await persona({ key: 'priced-helper', route_id: 'priced', tools: ['ask_user'] });
  await persona({ key: 'asking', tools: [], budget: { max_turns: 1, on_exceeded: 'ask' } });
});
afterAll(async () => {
  await stack.close();
});

async function persona(body: Record<string, unknown>): Promise<void> {
  const response = await stack.send('POST', '/v1/personas', { body });
  if (response.status !== 201) throw new Error(await response.text());
}

const task = (input: string, who = 'helper') => `/tool run_agent ${JSON.stringify({ persona: who, input })}`;
const lead = (input: string, more: Record<string, unknown> = {}) =>
  createRun(stack, { persona_id: 'lead', input, ...more });
const results = (events: SeenEvent[]) => events.filter((it) => it.type === 'tool.result').map((it) => it.data);

async function childrenOf(runId: string): Promise<RunRow[]> {
  return (await (await stack.send('GET', `/v1/runs?parent_run_id=${runId}`)).json()) as RunRow[];
}

/** Waits for the parent's event that names its `count`-th child, and gives the child's id. */
async function childOf(runId: string, count = 1): Promise<string> {
  let seen = 0;
  const named = (event: SeenEvent) =>
    event.type === 'tool.progress' && event.data.run_id !== undefined && ++seen === count;
  return String((await eventsUntil(stack, runId, named)).at(-1)?.data.run_id);
}

const eventRow = (run: string) =>
  stack.journal.db
    .selectFrom('runs')
    .select(['epoch', 'last_event_at'])
    .where('id', '=', run)
    .executeTakeFirstOrThrow();

describe('a call of run_agent', () => {
  it('is answered by a run of its own, which the events of its parent name', async () => {
    const id = await lead(task('/say The answer is 42.'));
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(story(events)).toEqual([
      ...['run.started', 'turn.started', 'message.completed', 'tool.call', 'tool.progress', 'tool.result'],
      ...['turn.started', 'message.delta', 'message.completed', 'run.completed'],
    ]);
    const [child] = await childrenOf(id);
    const named = events.find((event) => event.type === 'tool.progress')?.data;
    expect(named).toMatchObject({ run_id: child?.run_id, thread_id: child?.thread_id, persona_id: 'helper@1' });
    expect(results(events)).toMatchObject([{ name: 'run_agent', status: 'ok', output: 'The answer is 42.' }]);
    expect(events.at(-1)?.data.output).toContain('The answer is 42.');
    expect(await detailsOf(stack, child?.run_id as string)).toMatchObject({ status: 'completed', parent_run_id: id });
    checkHistory(await eventsToEnd(stack, child?.run_id as string));
  });

  it('is a child workflow of its parent in Temporal', async () => {
    const id = await lead(task('/say Hello.'));
    await eventsToEnd(stack, id);
    const child = await childOf(id);
    const described = await (await workflowOf(stack, child)).describe();
    expect(described.raw.workflowExecutionInfo?.parentExecution?.workflowId).toBe(id);
    expect(await closedAs(stack, child)).toBe('COMPLETED');
    expect(
      await stack.journal.db.selectFrom('outbox').selectAll().where('run_id', 'in', [id, child]).execute(),
    ).toEqual([]);
  });

  it('runs beside others, their results in the order of the calls', async () => {
    const id = await lead(
      `/parallel\n${task('/think ms=600\n/say first')}\n${task('/fail status=401')}\n${task('/say third')}\n`,
    );
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(
      results(events)
        .map((result) => result.status)
        .sort(),
    ).toEqual(['error', 'ok', 'ok']);
    const said = String(events.at(-1)?.data.output);
    expect(said.indexOf('first')).toBeLessThan(said.indexOf('third'));
    expect(said).toContain('provider.unauthorized');
    expect(await childrenOf(id)).toHaveLength(3);
  });

  it('that names no persona is an error for the model, and starts nothing', async () => {
    const id = await lead(task('/say Hello.', 'nobody'));
    expect(results(await eventsToEnd(stack, id))).toMatchObject([
      { status: 'error', output: expect.stringContaining('No persona nobody') },
    ]);
    expect(await childrenOf(id)).toEqual([]);
  });

  it('whose arguments do not fit is an error for the model', async () => {
    const id = await lead('/tool run_agent {"persona": "helper"}');
    expect(results(await eventsToEnd(stack, id))).toMatchObject([{ status: 'error' }]);
  });

  it('waits for its approval where the persona says so', async () => {
    await persona({ key: 'careful', tools: ['run_agent'], approval: { run_agent: 'always' } });
    const id = await createRun(stack, { persona_id: 'careful', input: task('/say Hello.') });
    await waitingOf(stack, id);
    expect(await childrenOf(id)).toEqual([]);
    await answer(stack, id, 'approve');
    expect(results(await eventsToEnd(stack, id))).toMatchObject([{ status: 'ok', output: 'Hello.' }]);
  });

  it('of agents that hand their task on and on is refused in the end', async () => {
    let input = '/say The bottom.';
    for (let depth = 0; depth < 9; depth++) input = task(input);
    const events = await eventsToEnd(stack, await lead(input));
    expect(JSON.stringify(events.at(-1)?.data.output)).toContain('at most 8 agents');
  });
});

describe('a child that waits for its human', () => {
  it('is shown by its parent, and is answered itself', async () => {
    const id = await lead(task('/ask Which colour?'));
    const child = await childOf(id);
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
    expect(results(await eventsToEnd(stack, id))).toMatchObject([{ output: expect.stringContaining('blue') }]);
  });

  it('does not use up the time of its parent', async () => {
    const id = await lead(task('/ask Which colour?'), { budget: { timeout_s: 3 } });
    const child = await childOf(id);
    await waitingOf(stack, child);
    const since = Date.now();
    await until(() => Date.now() - since > 3_500, 'more than the time of the budget has passed');
    await answer(stack, child, 'blue');
    expect((await eventsToEnd(stack, id)).at(-1)?.type).toBe('run.completed');
  });
});

describe('a cancel', () => {
  it('of a parent ends its children, and theirs, before it', async () => {
    const id = await lead(`/parallel\n${task('/think ms=60000')}\n${task(task('/ask Which?'))}\n`);
    await childOf(id, 2);
    const [second, first] = (await childrenOf(id)).map((run) => run.run_id);
    const grandchild = await until(
      async () => (await childrenOf(first ?? '')).concat(await childrenOf(second ?? ''))[0],
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
    const id = await lead(task('/think ms=60000'));
    const child = await childOf(id);
    await eventsUntil(stack, child, (event) => event.type === 'turn.started');
    await cancel(stack, child);
    const events = await eventsToEnd(stack, id);
    expect(results(events)).toMatchObject([{ status: 'error', output: expect.stringContaining('cancelled') }]);
    expect(events.at(-1)?.type).toBe('run.completed');
  });

  it('of a parent in Temporal alone reaches its children', async () => {
    const id = await lead(task('/ask Which?'));
    const child = await childOf(id);
    await waitingOf(stack, child);
    await (await workflowOf(stack, id)).cancel();
    expect((await eventsToEnd(stack, child)).at(-1)?.type).toBe('run.cancelled');
    expect((await eventsToEnd(stack, id)).at(-1)).toMatchObject({ type: 'run.cancelled', data: { unfinished: [] } });
  });

  it('follows the end of a parent that was ended from outside', async () => {
    const id = await lead(task('/ask Which?'));
    const child = await childOf(id);
    await waitingOf(stack, child);
    await (await workflowOf(stack, id)).terminate();
    await stack.relay.sweep(0);
    expect((await detailsOf(stack, id)).error?.code).toBe('engine.terminated');
    expect((await eventsToEnd(stack, child)).at(-1)?.type).toBe('run.cancelled');
  });
});

describe('what Temporal loses', () => {
  it('of a parent is rebuilt, and takes up the child that still works', async () => {
    const id = await lead(task('/ask Which colour?'));
    const child = await childOf(id);
    await waitingOf(stack, child);
    await loseWorkflow(stack, id);
    await stack.relay.sweep(0);
    await answer(stack, child, 'blue');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(results(events)).toMatchObject([{ output: expect.stringContaining('blue') }]);
    expect(await childrenOf(id)).toHaveLength(1);
  });

  it('of both is taken up where the child stands, also when only the parent is found missing', async () => {
    const id = await lead(task('/ask One?\n/ask Two?\n/say The end.'));
    const child = await childOf(id);
    await waitingOf(stack, child);
    const asked = Date.now();
    await until(() => Date.now() - asked > 2_000, 'the parent is quiet for longer than its child');
    await answer(stack, child, 'first');
    await waitingOf(stack, child, 2);
    await loseWorkflow(stack, id);
    await loseWorkflow(stack, child);
    const lastOf = async (run: string) => (await eventRow(run)).last_event_at;
    await stack.relay.sweep(Date.now() - Math.floor(((await lastOf(id)) + (await lastOf(child))) / 2));
    expect([(await eventRow(id)).epoch, (await eventRow(child)).epoch]).toEqual([1, 0]);
    await answer(stack, child, 'second');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(results(events)).toMatchObject([{ output: expect.stringContaining('second') }]);
  });

  it('of a child is rebuilt, and its parent is told of its end', async () => {
    const id = await lead(task('/ask Which colour?'));
    const child = await childOf(id);
    await waitingOf(stack, child);
    await loseWorkflow(stack, child);
    await stack.relay.sweep(0);
    await answer(stack, child, 'blue');
    const events = await eventsToEnd(stack, id);
    expect(results(events)).toMatchObject([{ output: expect.stringContaining('blue') }]);
    expect(await childrenOf(id)).toHaveLength(1);
  });
});

describe("a parent's budget", () => {
  it('counts what its children use', async () => {
    const id = await lead(`${task('/usage input=10 output=60\n/say Hello.')}\n/say never`, {
      budget: { max_tokens: 100 },
    });
    const events = await eventsToEnd(stack, id);
    const [child] = await childrenOf(id);
    expect(child?.total_output_tokens).toBe(60);
    expect(events.at(-1)).toMatchObject({ type: 'run.completed' });
    const tight = await lead(`${task('/usage input=10 output=5000\n/say Hello.')}\n/say never`, {
      budget: { max_tokens: 115 },
    });
    expect((await eventsToEnd(stack, tight)).at(-1)).toMatchObject({
      type: 'run.failed',
      data: { error: { code: 'budget.exceeded' } },
    });
  });

  it('is divided among children that work side by side', async () => {
    const id = await lead(
      `/parallel\n${task('/stream chunks=500 delay_ms=0')}\n${task('/stream chunks=500 delay_ms=0')}\n`,
      {
        budget: { max_tokens: 300 },
      },
    );
    await eventsToEnd(stack, id);
    const used = (await childrenOf(id)).map((run) => run.total_input_tokens + run.total_output_tokens);
    expect(used).toHaveLength(2);
    expect((used[0] as number) + (used[1] as number)).toBeLessThanOrEqual(300);
    for (const tokens of used) expect(tokens).toBeGreaterThan(50);
  });

  it('in dollars holds its children, and refuses one whose cost nobody would know', async () => {
    const unpriced = await createRun(stack, {
      persona_id: 'priced-lead',
      input: task('/say Hello.'),
      budget: { max_cost_usd: 1 },
    });
    expect(results(await eventsToEnd(stack, unpriced))).toMatchObject([
      { status: 'error', output: expect.stringContaining('no price') },
    ]);
    const priced = await createRun(stack, {
      persona_id: 'priced-lead',
      input: task('/stream chunks=500 delay_ms=0', 'priced-helper'),
      budget: { max_cost_usd: 0.1 },
    });
    await eventsToEnd(stack, priced);
    const [child] = await childrenOf(priced);
    expect(child?.total_cost_usd).toBeGreaterThan(0.05);
    expect(child?.total_cost_usd).toBeLessThanOrEqual(0.1);
  });

  it('is not raised by a child: one that used up what it was given fails', async () => {
    const id = await lead(task('/tool nothing {}\n/say never', 'asking'), { budget: { max_turns: 2 } });
    const child = await childOf(id);
    expect((await eventsToEnd(stack, child)).at(-1)).toMatchObject({
      type: 'run.failed',
      data: { error: { code: 'budget.exceeded' } },
    });
  });
});
