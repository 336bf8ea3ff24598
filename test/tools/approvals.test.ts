/** What a persona wants approved waits for a person, and runs exactly as it was approved. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, eventsToEnd, eventsUntil, type SeenEvent } from '../support/events.ts';
import { answer, createRun, detailsOf, outcomeOf, waitingOf } from '../support/run-client.ts';
import { openWorkshopStack, type WorkshopStack } from './workshop-stack.ts';

/** Of a run, which a server's late start takes from. */
const BUDGET_S = 10;
const START_MS = 4_000;
/** Shorter than that start: were it not taken from the budget, the call would end later. */
const SLACK_MS = 3_000;

let stack: WorkshopStack;
beforeAll(async () => {
  stack = await openWorkshopStack({ 'shop/note': 'always', 'shop/look': 'hint', 'shop/put': 'hint' });
});
afterAll(async () => {
  await stack.close();
});

const results = (events: SeenEvent[]) =>
  events.filter((event) => event.type === 'tool.result').map((event) => event.data);

describe('a call that needs approval', () => {
  it('asks with its tool and arguments, and runs once approved', async () => {
    const before = stack.executions().length;
    const id = await createRun(stack, '/tool shop/note {"text": "rope"}');
    const waiting = await waitingOf(stack, id);
    expect(waiting.data).toMatchObject({
      kind: 'approval',
      options: ['approve', 'deny', 'deny: <reason>'],
      tool_calls: [{ name: 'shop/note', arguments: { text: 'rope' } }],
    });
    expect(stack.executions()).toHaveLength(before);
    expect(await outcomeOf(await answer(stack, id, 'perhaps'))).toEqual([422, 'validation.failed']);
    expect((await answer(stack, id, 'approve')).status).toBe(200);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(results(events)).toMatchObject([{ status: 'ok', output: 'noted rope' }]);
    expect(stack.executions()).toHaveLength(before + 2);
  });

  it('is not made when denied; the model is told why', async () => {
    const before = stack.executions().length;
    const id = await createRun(stack, '/tool shop/note {"text": "rope"}');
    await waitingOf(stack, id);
    await answer(stack, id, 'deny: too much rope');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(results(events)).toMatchObject([{ status: 'denied', output: expect.stringContaining('too much rope') }]);
    expect(stack.executions()).toHaveLength(before);
    expect(events.at(-1)?.type).toBe('run.completed');
  });

  it('is a request of its own beside others; each runs as soon as it is approved', async () => {
    const id = await createRun(stack, '/parallel\n/tool shop/note {"text": "a"}\n/tool shop/note {"text": "b"}\n');
    await waitingOf(stack, id, 2);
    const [first, second] = (await detailsOf(stack, id)).pending_inputs;
    expect(await outcomeOf(await answer(stack, id, 'approve'))).toEqual([409, 'runs.input_ambiguous']);
    await answer(stack, id, 'approve', second?.request_id);
    const approved = second?.tool_calls?.[0]?.call_id;
    await eventsUntil(stack, id, ({ type, data }) => type === 'tool.result' && data.call_id === approved);
    expect(stack.executions().filter((it) => it.call_id === approved)).toHaveLength(2);
    expect((await detailsOf(stack, id)).status).toBe('waiting_for_input');
    await answer(stack, id, 'deny', first?.request_id);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(results(events).map((result) => result.status)).toEqual(['ok', 'denied']);
  });

  it('by hint is one that changes something', async () => {
    const events = await eventsToEnd(stack, await createRun(stack, '/tool shop/look {}'));
    expect(results(events)).toMatchObject([{ status: 'ok' }]);
    const id = await createRun(stack, '/tool shop/put {}');
    expect((await waitingOf(stack, id)).data.kind).toBe('approval');
    await answer(stack, id, 'approve');
    expect(results(await eventsToEnd(stack, id))).toMatchObject([{ status: 'ok' }]);
  });
});

it('a call that was approved waits for a server that has to start again, in the time that its run has', async () => {
  const approval = { 'shop/slow_heeding': 'always' } as const;
  const before = await openWorkshopStack(approval);
  const budget = { timeout_s: BUDGET_S };
  const id = await createRun(before, { input: '/tool shop/slow_heeding {"ms": 60000}', budget });
  await waitingOf(before, id);
  await before.close({ keep: true });
  const { dataDir, taskQueue } = before.config;
  const late = { START: 'late', START_MS: String(START_MS) };
  const after = await openWorkshopStack(approval, { dataDir, taskQueue }, {}, late);
  expect((await answer(after, id, 'approve')).status).toBe(200);
  const events = await eventsToEnd(after, id);
  checkHistory(events);
  expect(after.executions()).not.toEqual([]);
  expect(results(events)).toMatchObject([{ status: 'timeout' }]);
  expect(results(events)[0]?.duration_ms).toBeLessThan(BUDGET_S * 1_000 + SLACK_MS);
  await after.close();
});
