/** Runs of many turns: the workflow goes on as a new one, the prompt is cut to the route's context, memory stays flat. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, eventsToEnd, eventsUntil, type SeenEvent } from '../support/events.ts';
import { historyOf } from '../support/history.ts';
import { createRun } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';

/** Enough for its workflow to go on as a new one; `npm run test:everywhere` has a thousand. */
const TURNS = Number(process.env.HOLDFAST_TEST_TURNS ?? 300);
/** What the workflow allows itself, and the events of the step in which it finds that it has reached it. */
const MAX_HISTORY_EVENTS = 1_000 + 24;
const CONTEXT_TOKENS = 6_000;
/** So little that the prompts of so many turns are cut. */
const WALKER_CONTEXT_TOKENS = TURNS * 6;
/** What the run may add to the heap: its own events and steps are in the journal. */
const MAX_HEAP_GROWTH_BYTES = 24 * 1_048_576;
const LONG_MS = 300_000;

let stack: Stack;
beforeAll(async () => {
  stack = await openStack({
    routes: [
      { id: 'demo', provider: 'demo' },
      { id: 'small', provider: 'demo', model: 'small', context_tokens: CONTEXT_TOKENS },
      { id: 'walker', provider: 'demo', model: 'walker', context_tokens: WALKER_CONTEXT_TOKENS },
    ],
  });
  const body = { key: 'walker', route_id: 'walker', tools: ['wait'] };
  expect((await stack.send('POST', '/v1/personas', { body })).status).toBe(201);
});
afterAll(async () => {
  await stack.close();
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Every execution of the run's workflow, the last first. */
async function executionsOf(runId: string): Promise<number[]> {
  const { client } = await stack.link.connected();
  const lengths: number[] = [];
  let history = await historyOf(stack, runId);
  for (;;) {
    lengths.push(history.events?.length ?? 0);
    const before = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
    if (!before) return lengths;
    history = await client.workflow.getHandle(runId, before).fetchHistory();
  }
}

const dataOf = (events: SeenEvent[], type: string) => events.filter((it) => it.type === type).map((it) => it.data);

describe(`a run of ${TURNS} turns`, () => {
  it(
    'ends as a short one does, its workflow, its prompts and its memory no larger than theirs',
    async () => {
      // Every fifth turn calls a tool through an activity, the others a timer.
      const script = Array.from({ length: TURNS }, (_, i) =>
        i % 5 === 0 ? '/tool nothing {}' : '/tool wait {"seconds":0}',
      );
      const id = await createRun(stack, { persona_id: 'walker', input: [...script, '/say The end.'].join('\n') });
      await eventsUntil(stack, id, (event) => event.type === 'turn.started' && event.data.turn === TURNS / 5);
      const early = heapUsed();
      await eventsUntil(stack, id, (event) => event.type === 'turn.started' && event.data.turn === TURNS);
      expect(heapUsed() - early).toBeLessThan(MAX_HEAP_GROWTH_BYTES);

      const events = await eventsToEnd(stack, id);
      checkHistory(events);
      expect(events.at(-1)?.type).toBe('run.completed');
      const turns = dataOf(events, 'turn.started').map((data) => data.turn);
      expect(turns).toEqual(Array.from({ length: TURNS + 1 }, (_, i) => i + 1));
      expect(dataOf(events, 'tool.result')).toHaveLength(TURNS);

      const executions = await executionsOf(id);
      expect(executions.length).toBeGreaterThan(TURNS / 200);
      expect(Math.max(...executions)).toBeLessThanOrEqual(MAX_HISTORY_EVENTS);

      const cut = dataOf(events, 'prompt.truncated');
      expect(cut.length).toBeGreaterThan(0);
      for (const { prompt_tokens, context_tokens } of cut) {
        expect(context_tokens).toBe(WALKER_CONTEXT_TOKENS);
        expect(prompt_tokens).toBeLessThanOrEqual(WALKER_CONTEXT_TOKENS * 0.75);
      }
    },
    LONG_MS,
  );
});

describe('a thread that is longer than the context of its route', () => {
  /** A run on a thread of four messages of 1,500 words. */
  async function runOnLongThread(route: string): Promise<SeenEvent[]> {
    const content = Array.from({ length: 1_500 }, (_, i) => `w${i}`).join(' ');
    const thread = (await (await stack.send('POST', '/v1/threads', { body: {} })).json()) as { id: string };
    for (let n = 0; n < 4; n++) await stack.send('POST', `/v1/threads/${thread.id}/messages`, { body: { content } });
    const body = { route_id: route, input: '/say Hello.' };
    const run = await (await stack.send('POST', `/v1/threads/${thread.id}/runs`, { body })).json();
    return await eventsToEnd(stack, (run as { run_id: string }).run_id);
  }

  it('is cut from its oldest messages on, and each turn that does so says it', async () => {
    const events = await runOnLongThread('small');
    checkHistory(events);
    const [cut] = dataOf(events, 'prompt.truncated');
    expect(cut).toMatchObject({ turn: 1, dropped_messages: 2, context_tokens: CONTEXT_TOKENS });
    expect(cut?.prompt_tokens).toBeGreaterThan(3_000);
    expect(cut?.prompt_tokens).toBeLessThanOrEqual(CONTEXT_TOKENS * 0.75);
    expect(events.at(-1)).toMatchObject({
      type: 'run.completed',
      data: { output: 'Hello.', usage: { input_tokens: cut?.prompt_tokens } },
    });
  });

  it('is not cut where the route names no context', async () => {
    const events = await runOnLongThread('demo');
    expect(dataOf(events, 'prompt.truncated')).toEqual([]);
    expect(events.at(-1)?.type).toBe('run.completed');
  });
});
