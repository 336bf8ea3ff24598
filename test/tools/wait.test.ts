/** `wait`: a run sleeps by a timer of Temporal's and holds nothing; and messages to a run that works. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, eventsToEnd, eventsUntil, type SeenEvent, story } from '../support/events.ts';
import { cancel, closedAs, createRun, loseWorkflow, outcomeOf, waitingOf, workflowOf } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await openStack();
  const body = { key: 'sleeper', tools: ['ask_user', 'wait'] };
  expect((await stack.send('POST', '/v1/personas', { body })).status).toBe(201);
});
afterAll(async () => {
  await stack.close();
});

/** Longer than that is the relay's sweep, which looks at runs that have been quiet for 10 s. */
const SLEPT_WITHIN_MS = 10_000;
/** How long a turn goes on after its first words, so that a message finds the run at work. */
const THINK_MS = 3_000;

const run = (input: string, more: Record<string, unknown> = {}) =>
  createRun(stack, { persona_id: 'sleeper', input, ...more });
const results = (events: SeenEvent[]) => events.filter((it) => it.type === 'tool.result').map((it) => it.data);
const timeOf = (event: SeenEvent | undefined) => Date.parse(event?.created_at ?? '');

describe('wait', () => {
  it('takes as long as it says, without an activity', async () => {
    const id = await run('/tool wait {"seconds": 1.5}\n/say Awake.');
    await eventsUntil(stack, id, (event) => event.type === 'tool.call');
    const handle = await workflowOf(stack, id);
    const activities = async () => (await handle.describe()).raw.pendingActivities?.length ?? 0;
    await until(async () => (await activities()) === 0, 'the run sleeps');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(story(events)).toEqual([
      ...['run.started', 'turn.started', 'message.completed', 'tool.call', 'tool.result'],
      ...['turn.started', 'message.delta', 'message.completed', 'run.completed'],
    ]);
    const slept =
      timeOf(events.find((it) => it.type === 'tool.result')) - timeOf(events.find((it) => it.type === 'tool.call'));
    expect(slept).toBeGreaterThanOrEqual(1_500);
    expect(slept).toBeLessThan(SLEPT_WITHIN_MS);
  });

  it('waits until a time, and not at all for one that is past', async () => {
    const at = new Date(Date.now() + 1_000).toISOString();
    const events = await eventsToEnd(stack, await run(`/tool wait {"until": "${at}"}`));
    expect(results(events)).toMatchObject([{ status: 'ok', output: `Waited until ${at}.` }]);
    expect(timeOf(events.at(-1))).toBeGreaterThanOrEqual(Date.parse(at));
    const past = await eventsToEnd(stack, await run('/tool wait {"until": "2020-01-01T00:00:00Z"}'));
    expect(results(past)).toMatchObject([{ status: 'ok' }]);
  });

  it.each([
    ['nothing', '{}'],
    ['both', '{"seconds": 1, "until": "2020-01-01T00:00:00Z"}'],
    ['a negative time', '{"seconds": -1}'],
    ['a time without its offset', '{"until": "2020-01-01T00:00:00"}'],
    ['more than a year', '{"seconds": 40000000}'],
    ['a day that is none', '{"until": "2027-02-30T00:00:00Z"}'],
    ['a word', '{"seconds": "soon"}'],
    ['something else', '{"seconds": 1, "minutes": 1}'],
  ])('that is given %s is an error for the model', async (_what, args) => {
    const events = await eventsToEnd(stack, await run(`/tool wait ${args}`));
    expect(results(events)).toMatchObject([{ status: 'error' }]);
    expect(events.at(-1)?.type).toBe('run.completed');
  });

  it('that would pass the budget of time is refused', async () => {
    const id = await run('/tool wait {"seconds": 60}', { budget: { timeout_s: 30 } });
    expect(results(await eventsToEnd(stack, id))).toMatchObject([
      { status: 'error', output: expect.stringContaining("left of the run's time") },
    ]);
  });

  it('ends with a cancel', async () => {
    const id = await run('/tool wait {"seconds": 600}');
    await eventsUntil(stack, id, (event) => event.type === 'tool.call');
    await cancel(stack, id);
    expect((await eventsToEnd(stack, id)).at(-1)).toMatchObject({ type: 'run.cancelled', data: { unfinished: [] } });
    expect(await closedAs(stack, id)).toBe('CANCELLED');
  });

  it('goes on for what is left of it when Temporal has lost the run', async () => {
    const at = new Date(Date.now() + 6_000).toISOString();
    const id = await run(`/parallel\n/tool wait {"until": "${at}"}\n/tool wait {"seconds": 0}\n`);
    await eventsUntil(stack, id, (event) => event.type === 'tool.call');
    await loseWorkflow(stack, id);
    await stack.relay.sweep(0);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(results(events).map((result) => result.status)).toEqual(['ok', 'ok']);
    expect(timeOf(events.at(-1))).toBeGreaterThanOrEqual(Date.parse(at));
  });
});

describe('a message to an active run', () => {
  const say = (id: string, content: string, more: { headers?: Record<string, string>; key?: string } = {}) =>
    stack.send('POST', `/v1/runs/${id}/messages`, { body: { content }, ...more });

  it('is put before its next turn, and the event says when', async () => {
    const id = await run('/ask Which colour?\n/say never said');
    const { data } = await waitingOf(stack, id);
    const response = await say(id, '/say Changed my mind.');
    expect(response.status).toBe(201);
    const message = (await response.json()) as Record<string, unknown>;
    expect(message).toMatchObject({ run_id: id, role: 'user', status: 'pending' });
    await stack.send('POST', `/v1/runs/${id}/input`, { body: { content: 'blue', request_id: data.request_id } });
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(story(events).slice(5)).toEqual([
      ...['run.input_received', 'tool.result', 'message.received', 'turn.started'],
      ...['message.delta', 'message.completed', 'run.completed'],
    ]);
    expect(events.find((event) => event.type === 'message.received')?.data).toEqual({
      message_id: message.id,
      turn: 2,
      content: [{ type: 'text', text: '/say Changed my mind.' }],
    });
    expect(events.at(-1)?.data.output).toContain('Changed my mind.');
    const listed = await stack.send('GET', `/v1/threads/${String(message.thread_id)}/messages`);
    const messages = (await listed.json()) as { id: string; status: string }[];
    expect(messages.find((it) => it.id === message.id)).toMatchObject({ status: 'completed' });
  });

  it('to a run in its last turn makes it take one more', async () => {
    const id = await run(`/say One.\n/think ms=${THINK_MS}\n/say Two.`);
    await eventsUntil(stack, id, (event) => event.type === 'message.delta');
    expect((await say(id, '/say Three.')).status).toBe(201);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(events.filter((event) => event.type === 'turn.started')).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ type: 'run.completed', data: { output: 'Three.' } });
  });

  it('does not fail a run that is done and may take no more turns: it stays in the thread', async () => {
    const id = await run(`/say One.\n/think ms=${THINK_MS}\n/say Two.`, { budget: { max_turns: 1 } });
    await eventsUntil(stack, id, (event) => event.type === 'message.delta');
    const message = (await (await say(id, 'more')).json()) as { id: string; thread_id: string };
    const events = await eventsToEnd(stack, id);
    expect(events.at(-1)).toMatchObject({ type: 'run.completed', data: { output: 'One.\nTwo.' } });
    const messages = await (await stack.send('GET', `/v1/threads/${message.thread_id}/messages`)).json();
    expect(messages).toContainEqual(expect.objectContaining({ id: message.id, status: 'completed' }));
  });

  it('is accepted once for one Idempotency-Key', async () => {
    const id = await run('/ask Which?');
    await waitingOf(stack, id);
    const headers = { 'idempotency-key': 'a-message' };
    const first = (await (await say(id, '/say Once.', { headers })).json()) as { id: string };
    const again = await say(id, '/say Once.', { headers });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(((await again.json()) as { id: string }).id).toBe(first.id);
    await stack.send('POST', `/v1/runs/${id}/input`, { body: { content: 'x' } });
    const events = await eventsToEnd(stack, id);
    expect(events.filter((event) => event.type === 'message.received')).toHaveLength(1);
  });

  it('that no turn takes stays in the thread', async () => {
    const id = await run('/ask Which?');
    await waitingOf(stack, id);
    const message = (await (await say(id, 'too late')).json()) as { id: string; thread_id: string };
    await cancel(stack, id);
    await eventsToEnd(stack, id);
    const messages = await (await stack.send('GET', `/v1/threads/${message.thread_id}/messages`)).json();
    expect(messages).toContainEqual(expect.objectContaining({ id: message.id, status: 'completed' }));
  });

  it('is refused by a run that has ended, and by one of another organisation', async () => {
    const id = await run('/say Hello.');
    await eventsToEnd(stack, id);
    expect(await outcomeOf(await say(id, 'more'))).toEqual([409, 'runs.not_active']);
    const other = await run('/ask Which?');
    expect(await outcomeOf(await say(other, 'more', { key: stack.otherKey }))).toEqual([404, 'runs.not_found']);
    await cancel(stack, other);
  });

  it('is refused when too many wait already', async () => {
    const id = await run('/ask Which?');
    await waitingOf(stack, id);
    for (let sent = 0; sent < 64; sent++) expect((await say(id, 'more')).status).toBe(201);
    const refused = await say(id, 'more');
    expect(refused.headers.get('retry-after')).not.toBeNull();
    expect(await outcomeOf(refused)).toEqual([429, 'limits.run_messages']);
    await cancel(stack, id);
  });
});
