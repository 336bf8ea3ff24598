/** A second run on a thread that has one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, eventsToEnd, eventsUntil } from '../support/events.ts';
import { cancel, createRun, detailsOf } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await openStack();
});
afterAll(async () => {
  await stack.close();
});

async function second(threadId: string, body: object): Promise<string> {
  const response = await stack.send('POST', `/v1/threads/${threadId}/runs`, { body });
  expect(response.status).toBe(201);
  return ((await response.json()) as { run_id: string }).run_id;
}

async function thinking(): Promise<{ id: string; thread: string }> {
  const id = await createRun(stack, '/think ms=30000');
  await eventsUntil(stack, id, (event) => event.type === 'turn.started');
  return { id, thread: (await detailsOf(stack, id)).thread_id };
}

describe('on a busy thread', () => {
  it('enqueued runs start in their order when the thread is free, each seeing what was said before', async () => {
    const { id, thread } = await thinking();
    const one = await second(thread, { input: 'first in line', on_busy: 'enqueue' });
    const two = await second(thread, { input: 'second in line', on_busy: 'enqueue' });
    expect((await detailsOf(stack, one)).status).toBe('queued');
    await cancel(stack, id);
    const events = await eventsToEnd(stack, two);
    checkHistory(events);
    expect(events.at(-1)?.data.output).toContain('second in line');
    const [first, last] = [await detailsOf(stack, one), await detailsOf(stack, two)];
    expect(first.status).toBe('completed');
    expect(Date.parse(String(last.started_at))).toBeGreaterThanOrEqual(Date.parse(String(first.completed_at)));
    const messages = (await (await stack.send('GET', `/v1/threads/${thread}/messages`)).json()) as { role: string }[];
    expect(messages.map((message) => message.role)).toEqual(['assistant', 'user', 'assistant', 'user', 'user']);
  });

  it('an enqueued run is not taken for one that Temporal has lost: it starts only when the thread is free', async () => {
    const { id, thread } = await thinking();
    const waiting = await second(thread, { input: 'in line', on_busy: 'enqueue' });
    await stack.relay.sweep(0);
    await stack.relay.deliverDue();
    const details = await detailsOf(stack, waiting);
    expect(details.status).toBe('queued');
    const intents = stack.journal.db.selectFrom('outbox').selectAll().where('run_id', '=', waiting);
    expect(await intents.execute()).toEqual([]);
    await cancel(stack, id);
    expect((await eventsToEnd(stack, waiting)).at(-1)?.type).toBe('run.completed');
  });

  it('an enqueued run can be cancelled, and the next one has its turn', async () => {
    const { id, thread } = await thinking();
    const one = await second(thread, { input: 'one', on_busy: 'enqueue' });
    const two = await second(thread, { input: 'two', on_busy: 'enqueue' });
    await cancel(stack, one);
    expect((await detailsOf(stack, one)).status).toBe('cancelled');
    expect((await detailsOf(stack, id)).status).toBe('running');
    await cancel(stack, id);
    expect((await eventsToEnd(stack, two)).at(-1)?.type).toBe('run.completed');
  });

  it('an interrupting run cancels the active one and goes before those in line', async () => {
    const { id, thread } = await thinking();
    const inLine = await second(thread, { input: 'in line', on_busy: 'enqueue' });
    const urgent = await second(thread, { input: 'urgent', on_busy: 'interrupt' });
    expect((await eventsToEnd(stack, urgent)).at(-1)?.type).toBe('run.completed');
    expect((await detailsOf(stack, id)).status).toBe('cancelled');
    await eventsToEnd(stack, inLine);
    const [first, last] = [await detailsOf(stack, urgent), await detailsOf(stack, inLine)];
    expect(Date.parse(String(last.started_at))).toBeGreaterThanOrEqual(Date.parse(String(first.completed_at)));
  });

  it('without on_busy a second run is refused', async () => {
    const { id, thread } = await thinking();
    const refused = await stack.send('POST', `/v1/threads/${thread}/runs`, { body: { input: 'x' } });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: 'threads.busy', details: { active_run_id: id } });
    await cancel(stack, id);
  });
});
