/** Brief calls: of tools that may be repeated and have two seconds, made within their run's workflow task. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Execution } from '../mcp/servers/workshop.ts';
import { checkHistory, eventsToEnd, eventsUntil, type SeenEvent, story } from '../support/events.ts';
import { failNext } from '../support/failing-write.ts';
import { historyOf, summariesOf, textsOf } from '../support/history.ts';
import { answer, cancel, closedAs, createRun, waitingOf, workflowOf } from '../support/run-client.ts';
import { until } from '../support/until.ts';
import { openWorkshopStack, type WorkshopStack } from './workshop-stack.ts';

const SECRET = 'xyzzy';
const MAX_PAYLOAD_BYTES = 2_048;
/** How many runs a busy machine has to do something within the 2 s of a brief call. */
const TRIES = 5;
/** A call of 1.5 s that was seen so soon is still at work half a second later, when a closing stack hands it over. */
const SEEN_WITHIN_MS = 700;

const brief = { side_effects: false, timeout_s: 2 };
/** Of a call that is a step of its own anyway. */
const patient = { side_effects: false, timeout_s: 20 };
const tools = {
  ...{ 'shop/note': brief, 'shop/look': brief, 'shop/put': brief, 'shop/slow': brief, 'shop/slow_heeding': brief },
  ...{ 'shop/slow_deaf': brief, 'shop/die_reading': brief, 'shop/big': brief },
  'shop/refuse': { side_effects: true, timeout_s: 2 },
  'shop/babble': { side_effects: false, timeout_s: 2.5 },
};

let stack: WorkshopStack;
beforeAll(async () => {
  stack = await openWorkshopStack({ 'shop/put': 'always' }, {}, tools);
});
afterAll(async () => {
  await stack.close();
});

const dataOf = (events: SeenEvent[], type: string) =>
  events.filter((event) => event.type === type).map((event) => event.data);
const results = (events: SeenEvent[]) => dataOf(events, 'tool.result');
const callIds = (events: SeenEvent[]) => dataOf(events, 'tool.call').map((call) => call.call_id);

async function historyAtEnd(id: string) {
  await closedAs(stack, id);
  return await historyOf(stack, id);
}

/** The run's events up to its calls, once each of them has begun at its server. */
async function begun(id: string, count = 1): Promise<SeenEvent[]> {
  let seen = 0;
  const events = await eventsUntil(stack, id, (event) => event.type === 'tool.call' && ++seen === count);
  const ids = callIds(events);
  const all = () => ids.every((call) => executionsOf(call).some(({ state }) => state === 'begun'));
  await until(all, 'the calls have begun');
  return events;
}

/** Cancels a run once its calls have begun, before their timeouts give them results, and follows it to its end. */
async function cancelInTime(script: string, count: number) {
  for (let tries = 1; ; tries++) {
    const id = await createRun(stack, script);
    const calls = callIds(await begun(id, count));
    await cancel(stack, id);
    const events = await eventsToEnd(stack, id);
    if (results(events).length === 0 || tries === TRIES) return { id, calls, events };
  }
}

/** A run whose call has begun within `SEEN_WITHIN_MS`. */
async function justBegun(on: WorkshopStack, script: string): Promise<{ id: string; made: Execution }> {
  for (let tries = 1; ; tries++) {
    const id = await createRun(on, script);
    const seen = () => on.executions().filter(({ state }) => state === 'begun');
    const made = await until(() => seen()[tries - 1], 'the call has begun');
    if (Date.now() - made.at < SEEN_WITHIN_MS || tries === TRIES) return { id, made };
  }
}

const executionsOf = (call: unknown): Execution[] => stack.executions().filter(({ call_id }) => call_id === call);

describe('a brief call', () => {
  it('is a marker with the name of its tool, and saves six events of history', async () => {
    const id = await createRun(stack, `/tool shop/note {"text": "${SECRET}"}`);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(story(events)).toEqual([
      ...['run.started', 'turn.started', 'message.completed', 'tool.call', 'tool.result'],
      ...['turn.started', 'message.delta', 'message.completed', 'run.completed'],
    ]);
    expect(results(events)).toMatchObject([{ name: 'shop/note', status: 'ok', output: `noted ${SECRET}` }]);
    expect(executionsOf(callIds(events)[0]).map(({ state }) => state)).toEqual(['begun', 'ended']);

    const history = await historyAtEnd(id);
    expect(summariesOf(history)).toEqual({ activities: ['turn 1', 'turn 2'], markers: ['shop/note'] });
    expect(history.events).toHaveLength(18);
    const { texts, payloads } = textsOf(history);
    expect(texts.filter((text) => text.includes(SECRET))).toEqual([]);
    expect(payloads.filter((bytes) => bytes >= MAX_PAYLOAD_BYTES)).toEqual([]);
  });

  it('runs beside seven others, in one workflow task with the turn that follows', async () => {
    const script = `/parallel\n${'/tool shop/slow {"ms": 100}\n'.repeat(8)}`;
    const id = await createRun(stack, script);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(results(events).map(({ status }) => status)).toEqual(Array(8).fill('ok'));
    const history = await historyAtEnd(id);
    expect(summariesOf(history)).toEqual({ activities: ['turn 1', 'turn 2'], markers: Array(8).fill('shop/slow') });
    expect(history.events).toHaveLength(25);
  });

  it('whose server dies has the result that any call would have', async () => {
    const id = await createRun(stack, '/tool shop/die_reading {}\n/tool shop/look {}');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(results(events)).toMatchObject([
      { status: 'error', output: expect.stringContaining('twice') },
      { status: 'ok', output: 'seen' },
    ]);
    expect(executionsOf(callIds(events)[0])).toHaveLength(2);
    expect(summariesOf(await historyAtEnd(id)).markers).toEqual(['shop/die_reading', 'shop/look']);
  });

  it('that cannot be recorded for a while keeps its result, and the run goes on', async () => {
    const refused: string[] = [];
    const write = stack.journal.write;
    let filled: Promise<void> | undefined;
    stack.journal.write = (name, args) => {
      if (name === 'completeCall') filled ??= stack.journal.fillDisk();
      const written = filled ? filled.then(() => write(name, args)) : write(name, args);
      written.catch(() => refused.push(name));
      return written;
    };
    onTestFinished(() => {
      stack.journal.write = write;
    });
    const id = await createRun(stack, '/tool shop/big {"bytes": 100000}');
    const [call] = callIds(await begun(id));
    const stalled = until(() => refused.includes('completeCall'), 'the result is refused');
    await stalled.finally(() => stack.journal.makeRoom());
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(results(events)).toMatchObject([{ status: 'ok', output: 'é'.repeat(50_000) }]);
    expect(executionsOf(call)).toHaveLength(2);
    expect(events.at(-1)?.type).toBe('run.completed');
  });

  it('that fails as a step is made again as a step of its own', async () => {
    failNext(stack, 'beginCall', SECRET);
    const id = await createRun(stack, '/tool shop/look {}');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(results(events)).toMatchObject([{ status: 'ok', output: 'seen' }]);
    const history = await historyAtEnd(id);
    expect(summariesOf(history)).toEqual({ activities: ['turn 1', 'shop/look', 'turn 2'], markers: ['shop/look'] });
    expect(textsOf(history).texts.filter((text) => text.includes(SECRET))).toEqual([]);
  });
});

describe('a call is a step of its own', () => {
  it('when its tool has side effects or more time, or a person approved it', async () => {
    const id = await createRun(stack, '/tool shop/refuse {}\n/tool shop/babble {}\n/tool shop/put {}');
    await waitingOf(stack, id);
    await answer(stack, id, 'approve');
    const events = await eventsToEnd(stack, id);
    expect(results(events).map(({ status }) => status)).toEqual(['error', 'ok', 'ok']);
    const activities = ['turn 1', 'shop/refuse', 'turn 2', 'shop/babble', 'turn 3', 'shop/put', 'turn 4'];
    expect(summariesOf(await historyAtEnd(id))).toEqual({ activities, markers: [] });
  });

  it('beside a call that is, or a request: none of them waits for another to begin', async () => {
    const steps = '/tool shop/steps {"steps": 1, "ms": 4000}';
    const script = `/parallel\n/tool shop/slow {"ms": 100}\n${steps}\n/tool shop/put {}\n`;
    const id = await createRun(stack, script);
    await waitingOf(stack, id);
    await answer(stack, id, 'approve');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(results(events).map(({ status }) => status)).toEqual(['ok', 'ok', 'ok']);
    expect(results(events).at(-1)?.name).toBe('shop/steps');
    expect(summariesOf(await historyAtEnd(id)).markers).toEqual([]);
  });
});

describe('a cancel while brief calls run', () => {
  it('stops all of them at once, without waiting for the workflow task', async () => {
    const script = `/parallel\n${'/tool shop/slow_heeding {"ms": 20000}\n'.repeat(2)}\n/say never`;
    const { id, calls, events } = await cancelInTime(script, 2);
    checkHistory(events);
    // The workflow task lasts until the calls' timeouts, which would be their results.
    expect(results(events)).toEqual([]);
    expect(events.at(-1)).toMatchObject({ type: 'run.cancelled', data: { unfinished: [] } });
    for (const call of calls) expect(executionsOf(call).map(({ state }) => state)).toEqual(['begun', 'cancelled']);
    expect(await closedAs(stack, id)).toBe('CANCELLED');
    expect(summariesOf(await historyOf(stack, id)).activities).toEqual(['turn 1']);
  });
});

describe.concurrent('a brief call that does not end soon', () => {
  it('has a timeout for its result after the two seconds of its tool', async () => {
    const id = await createRun(stack, '/tool shop/slow_heeding {"ms": 20000}');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(results(events)).toMatchObject([{ status: 'timeout', output: expect.stringContaining('2 s') }]);
    expect(events.at(-1)?.type).toBe('run.completed');
    expect(summariesOf(await historyAtEnd(id)).markers).toEqual(['shop/slow_heeding']);
  });

  it('and ignores a cancel for five seconds takes its server with it', async () => {
    const { id, calls, events } = await cancelInTime('/tool shop/slow_deaf {"ms": 20000}', 1);
    checkHistory(events);
    expect(events.at(-1)).toMatchObject({ type: 'run.cancelled', data: { unfinished: [] } });
    expect(executionsOf(calls[0]).map(({ state }) => state)).toEqual(['begun']);
    expect(await closedAs(stack, id)).toBe('CANCELLED');
    const { activities } = summariesOf(await historyOf(stack, id));
    expect(activities).toEqual(['turn 1']);
  });

  it('in time lets the run hear of a cancel in Temporal alone when it is over', async () => {
    const id = await createRun(stack, '/tool shop/slow {"ms": 800}\n/think ms=20000');
    await begun(id);
    await (await workflowOf(stack, id)).cancel();
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(results(events)).toMatchObject([{ status: 'ok' }]);
    expect(events.at(-1)).toMatchObject({ type: 'run.cancelled', data: { unfinished: [] } });
    expect(await closedAs(stack, id)).toBe('CANCELLED');
  });

  it('before its worker does is handed over, as a step of its own for the next', async ({ onTestFinished }) => {
    const first = await openWorkshopStack({}, {}, tools);
    const { id, made } = await justBegun(first, '/tool shop/slow {"ms": 1500}');
    await first.close({ keep: true });
    const { dataDir, taskQueue } = first.config;
    const next = await openWorkshopStack({}, { dataDir, taskQueue }, { ...tools, 'shop/slow': patient });
    onTestFinished(() => next.close());
    const events = await eventsToEnd(next, id);
    checkHistory(events);
    expect(results(events)).toMatchObject([{ status: 'ok', output: 'slow and done' }]);
    const again = next.executions().filter(({ call_id }) => call_id === made.call_id);
    expect(again.map(({ state }) => state)).toEqual(['begun', 'ended']);
    await closedAs(next, id);
    const history = await historyOf(next, id);
    expect(summariesOf(history)).toEqual({ activities: ['turn 1', 'shop/slow', 'turn 2'], markers: ['shop/slow'] });
  });
});
