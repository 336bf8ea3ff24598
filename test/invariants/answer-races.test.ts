/** Answers: exactly one for each request, none after its expiry, none lost (invariants 4 and 5). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, eventsToEnd, story, types } from '../support/events.ts';
import {
  answer,
  closedAs,
  createRun,
  detailsOf,
  loseWorkflow,
  outcomeOf,
  refOf,
  shortPersona,
  waitingOf,
  workflowOf,
} from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await openStack();
});
afterAll(async () => {
  await stack.close();
});

const past = (time: unknown) => until(() => Date.now() > Date.parse(String(time)), 'the request has expired');
const isStale = [409, 'runs.input_stale'];

describe('of an answer and an expiry', () => {
  it('the expiry wins when it is first: the run fails, the answer is refused', async () => {
    const persona_id = await shortPersona(stack, 0.5);
    const id = await createRun(stack, { input: '/ask Which colour?', persona_id });
    const { data } = await waitingOf(stack, id);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', data: { error: { code: 'input.expired' } } });
    expect(await outcomeOf(await answer(stack, id, 'blue', String(data.request_id)))).toEqual(isStale);
    expect(await closedAs(stack, id)).toBe('FAILED');
  });

  it('the answer wins when it is first, though the timer asks afterwards', async () => {
    const persona_id = await shortPersona(stack, 3);
    const id = await createRun(stack, { input: '/ask Which colour?\n/think ms=6000', persona_id });
    const { data } = await waitingOf(stack, id);
    expect((await answer(stack, id, 'blue')).status).toBe(200);
    await past(data.expires_at);
    const ref = await refOf(stack, id);
    const asked = await stack.journal.write('expireInput', { ...ref, request_id: String(data.request_id) });
    expect(asked).toEqual({ outcome: 'answered' });
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(events.at(-1)?.data.output).toContain('blue');
  });

  it('the expiry wins after its time even if no worker runs to see it', async () => {
    const other = await openStack();
    // Long enough to close the worker before it.
    const persona_id = await shortPersona(other, 5);
    const id = await createRun(other, { input: '/ask Which colour?', persona_id });
    const { data } = await waitingOf(other, id);
    await other.close({ keep: true });
    const { dataDir, taskQueue } = other.config;
    const idle = await openStack({ dataDir, taskQueue, worker: false });
    await past(data.expires_at);
    expect(await outcomeOf(await answer(idle, id, 'blue'))).toEqual(isStale);
    expect((await detailsOf(idle, id)).status).toBe('waiting_for_input');
    await idle.close({ keep: true });
    const awake = await openStack({ dataDir, taskQueue });
    const events = await eventsToEnd(awake, id);
    checkHistory(events);
    expect(events.at(-1)?.data).toMatchObject({ error: { code: 'input.expired' } });
    await awake.close();
  });
});

describe('an answer', () => {
  it('given ten times at once is taken once', async () => {
    const id = await createRun(stack, '/ask Which colour?');
    const named = String((await waitingOf(stack, id)).data.request_id);
    const given = await Promise.all(
      Array.from({ length: 10 }, (_, i) => answer(stack, id, `colour-${i}`, i % 2 ? named : undefined)),
    );
    const taken = given.flatMap((response, i) => (response.status === 200 ? [`colour-${i}`] : []));
    expect(taken).toHaveLength(1);
    expect(given.filter((response) => response.status === 409)).toHaveLength(9);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(types(events).filter((type) => type === 'run.input_received')).toHaveLength(1);
    expect(events.at(-1)?.data.output).toContain(`"${taken[0]}"`);
  });

  it('reaches a workflow whose start was delivered after it', async () => {
    const other = await openStack();
    const id = await createRun(other, '/ask Which colour?');
    await waitingOf(other, id);
    await other.close({ keep: true });
    const { dataDir, taskQueue } = other.config;
    await loseWorkflow(stack, id);
    // No Temporal: the answer is accepted while there is no workflow to signal.
    const alone = await openStack({ dataDir, taskQueue, temporal: 'none' });
    expect((await answer(alone, id, 'blue')).status).toBe(200);
    await alone.close({ keep: true });
    const awake = await openStack({ dataDir, taskQueue });
    const events = await eventsToEnd(awake, id);
    checkHistory(events);
    expect(events.at(-1)?.data.output).toContain('blue');
    expect(await awake.journal.db.selectFrom('outbox').selectAll().where('run_id', '=', id).execute()).toEqual([]);
    await awake.close();
  });
});

describe('a signal', () => {
  it('of an unknown request, of nonsense, or sent twice changes nothing', async () => {
    const id = await createRun(stack, '/ask Which colour?\n/ask And why?');
    const first = await waitingOf(stack, id);
    const handle = await workflowOf(stack, id);
    await handle.signal('input', 'input_of_another_run');
    await handle.signal('input', { not: 'an id' });
    await handle.signal('input');
    await handle.signal('nothing-listens', 'x');
    expect((await answer(stack, id, 'blue')).status).toBe(200);
    await handle.signal('input', first.data.request_id);
    await handle.signal('input', first.data.request_id);
    await waitingOf(stack, id, 2);
    expect((await detailsOf(stack, id)).status).toBe('waiting_for_input');
    expect((await answer(stack, id, 'because')).status).toBe(200);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(story(events).filter((type) => type.startsWith('run.'))).toEqual([
      'run.started',
      ...['run.waiting_for_input', 'run.input_received', 'run.waiting_for_input', 'run.input_received'],
      'run.completed',
    ]);
  });

  it('that claims an answer nobody gave is not believed', async () => {
    const id = await createRun(stack, '/ask Which colour?');
    const { data } = await waitingOf(stack, id);
    const handle = await workflowOf(stack, id);
    await handle.signal('input', data.request_id);
    expect((await answer(stack, id, 'blue')).status).toBe(200);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(events.at(-1)?.data.output).toContain('blue');
  });
});
