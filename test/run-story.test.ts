/** A run's story, on a real Temporal server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, eventsToEnd, eventsUntil, story } from './support/events.ts';
import { fastestOf } from './support/fastest.ts';
import { openStack, type Stack } from './support/stack.ts';

/** How often a cancel is tried on a busy machine. */
const ROUNDS = 3;
/** Under the 2 s of the heartbeat with which a cancel comes that is not told at once. */
const CANCELLED_WITHIN_MS = 1_500;

let stack: Stack;
beforeAll(async () => {
  stack = await openStack();
});
afterAll(async () => {
  await stack.close();
});

async function run(input: string, more: object = {}): Promise<string> {
  const response = await stack.send('POST', '/v1/runs', { body: { input, ...more } });
  expect(response.status).toBe(201);
  return ((await response.json()) as { run_id: string }).run_id;
}

const details = async (runId: string) =>
  (await (await stack.send('GET', `/v1/runs/${runId}`)).json()) as Record<string, unknown>;

describe('a run', () => {
  it('streams and completes', async () => {
    const id = await run('hello there');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(story(events)).toEqual([
      'run.started',
      'turn.started',
      'message.delta',
      'message.completed',
      'run.completed',
    ]);
    expect(await details(id)).toMatchObject({ status: 'completed', last_seq: events.length, total_output_tokens: 4 });
  });

  it('asks its human and goes on with the answer', async () => {
    const id = await run('/say Hello.\n/ask Which colour?');
    const waiting = (await eventsUntil(stack, id, (event) => event.type === 'run.waiting_for_input')).at(-1);
    expect(waiting?.data).toMatchObject({ kind: 'question', prompt: 'Which colour?' });
    expect(await details(id)).toMatchObject({ status: 'waiting_for_input' });
    const answered = await stack.send('POST', `/v1/runs/${id}/input`, { body: { content: 'blue' } });
    expect(answered.status).toBe(200);
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(events.at(-1)?.data.output).toContain('blue');
  });

  it('is cancelled in the middle of a silent model', async () => {
    const took = await fastestOf(ROUNDS, CANCELLED_WITHIN_MS, async () => {
      const id = await run('/think ms=30000');
      await eventsUntil(stack, id, (event) => event.type === 'turn.started');
      const started = performance.now();
      expect((await stack.send('POST', `/v1/runs/${id}:cancel`)).status).toBe(200);
      const events = await eventsToEnd(stack, id);
      const cancelledAfter = performance.now() - started;
      checkHistory(events);
      expect(story(events).slice(-2)).toEqual(['run.cancel_requested', 'run.cancelled']);
      return cancelledAfter;
    });
    expect(took).toBeLessThan(CANCELLED_WITHIN_MS);
  });
});
