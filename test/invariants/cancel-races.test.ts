/** Cancel is a promise (invariant 6), in every order in which it can meet the end of a run. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, eventsToEnd, eventsUntil, story, types } from '../support/events.ts';
import {
  cancel,
  closedAs,
  createRun,
  detailsOf,
  refOf,
  waitingOf,
  workflowExists,
  workflowOf,
} from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';
import { startWire, type WireServer } from '../wire/server.ts';

let stack: Stack;
let wire: WireServer;
beforeAll(async () => {
  wire = await startWire({ 'openai-compatible': [{ text: ['almost ', 'done'], fault: 'silent' }] });
  const silent = { id: 'silent', provider: 'openai-compatible', model: 'm', base_url: wire.url, api_key: 'k' } as const;
  stack = await openStack({ routes: [{ id: 'demo', provider: 'demo' }, silent] });
});
afterAll(async () => {
  await stack.close();
  await wire.close();
});

const counted = (events: { type: string }[], type: string) => events.filter((event) => event.type === type).length;

describe('a cancel before the completion', () => {
  it('wins: the late completion is refused, and run.cancelled is the end', async () => {
    const id = await createRun(stack, '/say almost\n/think ms=20000');
    await eventsUntil(stack, id, (event) => event.type === 'message.delta');
    const lease = await stack.journal.db.selectFrom('steps').selectAll().where('run_id', '=', id).executeTakeFirst();
    const ref = await refOf(stack, id);
    const caller = await stack.holdfast.authenticate(stack.key, '0'.repeat(32));
    // The journal alone: nobody is told yet, so that the completion below is the first to come.
    await stack.journal.write('requestCancel', { caller, run_id: id });
    const outcome = await stack.journal.write('completeTurn', {
      lease: { ...ref, step: 'turn:1', token: lease?.token as string, attempt: 1 },
      ...{ turn: 1, message_id: lease?.message_id as string, events: [], content: 'all of it', calls: [] },
      ...{ finish_reason: 'stop', cost_usd: null },
      usage: { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, reasoning_tokens: 0 },
    });
    expect(outcome).toEqual({ outcome: 'cancelled' });
    expect((await cancel(stack, id)).status).toBe(200);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(types(events)).not.toContain('message.completed');
    expect(types(events).at(-1)).toBe('run.cancelled');
    expect(await closedAs(stack, id)).toBe('CANCELLED');
  });

  it('closes the connection to a silent provider before run.cancelled is told', async () => {
    const id = await createRun(stack, { input: 'hello', model: 'silent' });
    await eventsUntil(stack, id, (event) => event.type === 'message.delta');
    const request = wire.requests.at(-1);
    let closed = false;
    void request?.closed.then(() => {
      closed = true;
    });
    await cancel(stack, id);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(events.at(-1)).toMatchObject({ type: 'run.cancelled', data: { unfinished: [] } });
    // Nothing else closes it so soon: a silent provider is left after 60 s.
    await until(() => closed, 'the provider sees its connection closed', 10_000);
    expect(request?.completed).toBe(false);
  });
});

describe('a completion before the cancel', () => {
  it('wins: the cancel is answered and changes nothing', async () => {
    const id = await createRun(stack, 'hello');
    const events = await eventsToEnd(stack, id);
    const before = await detailsOf(stack, id);
    const response = await cancel(stack, id);
    expect([response.status, await response.json()]).toEqual([200, { ok: true }]);
    expect(await eventsToEnd(stack, id)).toEqual(events);
    expect(await detailsOf(stack, id)).toEqual(before);
    expect(await closedAs(stack, id)).toBe('COMPLETED');
  });

  it('wins although Temporal is asked to cancel after the commit', async () => {
    const id = await createRun(stack, '/say almost\n/think ms=500');
    const handle = await workflowOf(stack, id);
    const stop = stack.journal.onAppended(({ run_id, events }) => {
      if (run_id === id && events?.some((event) => event.type === 'run.completed')) void handle.cancel();
    });
    const events = await eventsToEnd(stack, id);
    stop();
    checkHistory(events);
    expect(events.at(-1)?.type).toBe('run.completed');
    expect(await closedAs(stack, id)).toBe('COMPLETED');
    expect((await detailsOf(stack, id)).status).toBe('completed');
  });
});

describe('a cancel', () => {
  it('asked for many times at once is requested and answered once', async () => {
    const id = await createRun(stack, '/think ms=20000');
    await eventsUntil(stack, id, (event) => event.type === 'turn.started');
    const responses = await Promise.all(Array.from({ length: 10 }, () => cancel(stack, id)));
    expect(responses.map((response) => response.status)).toEqual(Array(10).fill(200));
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(counted(events, 'run.cancel_requested')).toBe(1);
  });

  it('of a run that waits withdraws its request and frees its thread', async () => {
    const id = await createRun(stack, '/ask Which colour?');
    await waitingOf(stack, id);
    await cancel(stack, id);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(story(events).slice(-2)).toEqual(['run.cancel_requested', 'run.cancelled']);
    const late = await stack.send('POST', `/v1/runs/${id}/input`, { body: { content: 'blue' } });
    expect(late.status).toBe(409);
    const { thread_id, pending_inputs } = await detailsOf(stack, id);
    expect(pending_inputs).toEqual([]);
    expect((await stack.send('POST', `/v1/threads/${thread_id}/runs`, { body: { input: 'hi' } })).status).toBe(201);
    expect(await closedAs(stack, id)).toBe('CANCELLED');
  });

  it('of a run that has not begun ends it before any worker sees it', async () => {
    const idle = await openStack({ worker: false });
    const id = await createRun(idle, 'hello');
    await workflowExists(idle, id);
    await cancel(idle, id);
    expect(types(await eventsToEnd(idle, id))).toEqual(['run.cancel_requested', 'run.cancelled']);
    await idle.close({ keep: true });
    const dataDir = idle.config.dataDir;
    const awake = await openStack({ dataDir, taskQueue: idle.config.taskQueue });
    expect(await closedAs(awake, id)).toBe('CANCELLED');
    expect(types(await eventsToEnd(awake, id))).toEqual(['run.cancel_requested', 'run.cancelled']);
    await awake.close();
  });

  it('of a run that has not begun leaves no workflow at work, though its thread is deleted', async () => {
    const idle = await openStack({ worker: false });
    const id = await createRun(idle, 'hello');
    await workflowExists(idle, id);
    const { thread_id } = await detailsOf(idle, id);
    await cancel(idle, id);
    expect((await idle.send('DELETE', `/v1/threads/${thread_id}`)).status).toBe(200);
    await idle.close({ keep: true });
    const { dataDir, taskQueue } = idle.config;
    const awake = await openStack({ dataDir, taskQueue });
    expect(['COMPLETED', 'CANCELLED']).toContain(await closedAs(awake, id));
    await awake.close();
  });
});
