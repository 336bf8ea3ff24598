/** Calls of tools of a real MCP server, as a run makes them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, eventsToEnd, eventsUntil, type SeenEvent, story, types } from '../support/events.ts';
import { failNext } from '../support/failing-write.ts';
import { cancel, closedAs, createRun } from '../support/run-client.ts';
import { openWorkshopStack, type WorkshopStack } from './workshop-stack.ts';

let stack: WorkshopStack;
beforeAll(async () => {
  stack = await openWorkshopStack();
});
afterAll(async () => {
  await stack.close();
});

const results = (events: SeenEvent[]) =>
  events.filter((event) => event.type === 'tool.result').map((event) => event.data);

describe('a call', () => {
  it('is made by its server, with the call id as its key, and its result goes to the model', async () => {
    const id = await createRun(stack, '/tool shop/note {"text": "rope"}');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(story(events)).toEqual([
      ...['run.started', 'turn.started', 'message.completed', 'tool.call', 'tool.result'],
      ...['turn.started', 'message.delta', 'message.completed', 'run.completed'],
    ]);
    const call = events.find((event) => event.type === 'tool.call')?.data;
    expect(results(events)).toMatchObject([
      { call_id: call?.call_id, name: 'shop/note', status: 'ok', output: 'noted rope' },
    ]);
    expect(stack.executions().filter((it) => it.call_id === call?.call_id)).toHaveLength(2);
    expect(events.at(-1)?.data.output).toContain('noted rope');
  });

  it('with arguments that do not fit is an error for the model, and is not made', async () => {
    const before = stack.executions().length;
    const events = await eventsToEnd(stack, await createRun(stack, '/tool shop/note {"text": 5}'));
    expect(results(events)).toMatchObject([{ status: 'error', output: expect.stringContaining('text') }]);
    expect(events.at(-1)?.type).toBe('run.completed');
    expect(stack.executions()).toHaveLength(before);
  });

  it('of a tool that is not offered is an error for the model', async () => {
    const events = await eventsToEnd(stack, await createRun(stack, '/tool shop/nothing {}'));
    expect(results(events)).toMatchObject([{ status: 'error', output: 'There is no tool shop/nothing.' }]);
    expect(events.at(-1)?.type).toBe('run.completed');
  });

  it('reports its progress', async () => {
    const events = await eventsToEnd(stack, await createRun(stack, '/tool shop/steps {"steps": 3, "ms": 30}'));
    checkHistory(events);
    const progress = events.filter((event) => event.type === 'tool.progress').map((event) => event.data.progress);
    expect(progress).toEqual([1, 2, 3]);
  });

  it('is not given up when the journal does not take its progress', async () => {
    failNext(stack, 'appendDeltas');
    const events = await eventsToEnd(stack, await createRun(stack, '/tool shop/steps {"steps": 3, "ms": 30}'));
    checkHistory(events);
    expect(types(events)).not.toContain('tool.progress');
    expect(results(events)).toMatchObject([{ status: 'ok' }]);
    const [call] = events.filter(({ type }) => type === 'tool.call').map(({ data }) => data);
    // It began and it ended, once.
    expect(stack.executions().filter((it) => it.call_id === call?.call_id)).toHaveLength(2);
  });
});

describe('a budget of time', () => {
  it('is the deadline of a call, and is found spent by the next step', async () => {
    // Long enough for the call to begin in it.
    const budget = { timeout_s: 5 };
    const id = await createRun(stack, { input: '/tool shop/slow_heeding {"ms": 20000}\n/say never', budget });
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(results(events)).toMatchObject([{ status: 'timeout' }]);
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', data: { error: { code: 'budget.exceeded' } } });
    // The call itself would take 20 s.
    expect(events.at(-1)?.data.duration_ms).toBeLessThan(15_000);
  });
});

describe('parallel calls', () => {
  it('run side by side, keep their order for the model, and one failure does not lose the others', async () => {
    const script = [
      '/parallel',
      // So long that the others are made and end before it.
      '/tool shop/slow {"ms": 2500}',
      '/tool shop/refuse {}',
      '/tool shop/note {"text": "third"}',
      '',
    ].join('\n');
    const events = await eventsToEnd(stack, await createRun(stack, script));
    checkHistory(events);
    const called = events.filter((event) => event.type === 'tool.call').map((event) => event.data.name);
    expect(called).toEqual(['shop/slow', 'shop/refuse', 'shop/note']);
    expect(results(events).at(-1)?.name).toBe('shop/slow');
    expect(
      results(events)
        .map((result) => result.status)
        .sort(),
    ).toEqual(['error', 'ok', 'ok']);
    const said = String(events.at(-1)?.data.output);
    expect(said.indexOf('shop/slow')).toBeLessThan(said.indexOf('shop/note'));
  });

  it('are all stopped by a cancel', async () => {
    const before = stack.executions().length;
    const script = '/parallel\n/tool shop/slow_heeding {"ms": 20000}\n/tool shop/slow_heeding {"ms": 20000}\n';
    const id = await createRun(stack, script);
    await eventsUntil(stack, id, (event) => event.type === 'tool.call');
    const begun = () =>
      stack
        .executions()
        .slice(before)
        .filter((it) => it.state === 'begun').length;
    await expect.poll(begun, { timeout: 10_000 }).toBe(2);
    await cancel(stack, id);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(events.at(-1)).toMatchObject({ type: 'run.cancelled', data: { unfinished: [] } });
    expect(
      stack
        .executions()
        .slice(before)
        .filter((it) => it.state === 'cancelled'),
    ).toHaveLength(2);
    expect(await closedAs(stack, id)).toBe('CANCELLED');
  });
});
