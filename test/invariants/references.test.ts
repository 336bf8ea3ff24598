/** References in history (invariant 7): what users and models say is in the journal alone, and a run costs few events. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunState } from '../../workflows/run-input.ts';
import { checkHistory, eventsToEnd, eventsUntil } from '../support/events.ts';
import { historyOf, summariesOf, textsOf } from '../support/history.ts';
import { answer, closedAs, createRun, waitingOf, workflowOf } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await openStack();
});
afterAll(async () => {
  await stack.close();
});

const MAX_PAYLOAD_BYTES = 2_048;
const SECRET = 'xyzzy';

/** A run that says the secret wherever a user or a model can say something. */
async function runWithSecrets(): Promise<string> {
  const tool = { name: 'locate', description: SECRET, parameters: { type: 'object', properties: {} } };
  const id = await createRun(stack, {
    input: `/say ${SECRET}-said\n/ask ${SECRET}-question?\n/tool locate {"of": "${SECRET}-argument"}\n/say ${SECRET}-end`,
    instructions: `${SECRET}-instructions`,
    additional_instructions: `${SECRET}-more`,
    metadata: { note: `${SECRET}-metadata` },
    tools: ['ask_user', { type: 'function', function: tool }],
  });
  await waitingOf(stack, id);
  await answer(stack, id, `${SECRET}-answer`);
  const { data } = await waitingOf(stack, id, 2);
  const [call] = data.tool_calls as { call_id: string }[];
  const outputs = { tool_outputs: [{ call_id: call?.call_id, output: `${SECRET}-output` }] };
  expect((await stack.send('POST', `/v1/runs/${id}/input`, { body: outputs })).status).toBe(200);
  return id;
}

describe("a run's history in Temporal", () => {
  it('holds no text of users or models, and no payload of 2 KB', async () => {
    const id = await runWithSecrets();
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(JSON.stringify(events).match(new RegExp(SECRET, 'g'))?.length).toBeGreaterThan(5);
    await closedAs(stack, id);
    const { texts, payloads } = textsOf(await historyOf(stack, id));
    expect(texts.filter((text) => text.includes(SECRET))).toEqual([]);
    expect(texts.some((text) => text.includes(id))).toBe(true);
    expect(payloads.filter((bytes) => bytes >= MAX_PAYLOAD_BYTES)).toEqual([]);
  });

  it('of a parent and its child holds no text of theirs either', async () => {
    const body = { key: 'lead', tools: ['run_agent', 'wait'] };
    expect((await stack.send('POST', '/v1/personas', { body })).status).toBe(201);
    const task = { persona: 'assistant', input: `/say ${SECRET}-child` };
    const input = `/parallel\n/tool run_agent ${JSON.stringify(task)}\n/tool wait {"seconds": 4}\n`;
    const id = await createRun(stack, { persona_id: 'lead', input });
    await eventsUntil(stack, id, (event) => event.type === 'tool.progress');
    const said = await stack.send('POST', `/v1/runs/${id}/messages`, { body: { content: `/say ${SECRET}-message` } });
    expect(said.status).toBe(201);
    const events = await eventsToEnd(stack, id);
    expect(JSON.stringify(events).match(new RegExp(SECRET, 'g'))?.length).toBeGreaterThan(3);
    const child = String(events.find((event) => event.type === 'tool.progress')?.data.run_id);
    for (const run of [id, child]) {
      await closedAs(stack, run);
      const { texts, payloads } = textsOf(await historyOf(stack, run));
      expect(texts.filter((text) => text.includes(SECRET))).toEqual([]);
      expect(payloads.filter((bytes) => bytes >= MAX_PAYLOAD_BYTES)).toEqual([]);
    }
  });

  it('holds no text of a failure', async () => {
    const id = await createRun(stack, '/say xyzzy\n/fail status=503 times=1\n/fail status=400');
    expect((await eventsToEnd(stack, id)).at(-1)?.type).toBe('run.failed');
    await closedAs(stack, id);
    const { texts } = textsOf(await historyOf(stack, id));
    expect(texts.filter((text) => text.includes(SECRET) || text.includes('told to fail'))).toEqual([]);
  });

  it('holds no name of a tool that the model made up', async () => {
    const id = await createRun(stack, '/tool my_secret_is_xyzzy {}');
    const events = await eventsToEnd(stack, id);
    checkHistory(events);
    expect(JSON.stringify(events)).toContain(SECRET);
    await closedAs(stack, id);
    const { texts } = textsOf(await historyOf(stack, id));
    expect(texts.filter((text) => text.includes(SECRET))).toEqual([]);
  });

  it('names turns and tools in its summaries', async () => {
    const id = await runWithSecrets();
    await eventsToEnd(stack, id);
    await closedAs(stack, id);
    const { activities } = summariesOf(await historyOf(stack, id));
    expect(activities).toEqual(['turn 1', 'turn 2', 'turn 3']);
  });

  it('has eleven events for a run of one turn', async () => {
    const id = await createRun(stack, 'hello');
    await eventsToEnd(stack, id);
    await closedAs(stack, id);
    const { events } = await historyOf(stack, id);
    expect(events).toHaveLength(11);
    expect((events ?? []).filter((event) => event.activityTaskScheduledEventAttributes)).toHaveLength(1);
    expect((events ?? []).filter((event) => event.timerStartedEventAttributes)).toHaveLength(0);
  });
});

describe("a run's workflow", () => {
  it('is found by its search attributes and tells its state', async () => {
    const id = await createRun(stack, '/ask Which colour?');
    const { data } = await waitingOf(stack, id);
    const handle = await workflowOf(stack, id);
    const waits = async () => {
      const state = await handle.query<RunState>('state');
      return state.waiting_for.length > 0 ? state : undefined;
    };
    const state = await until(waits, 'the workflow says that it waits');
    expect(state).toMatchObject({ turn: 1, waiting_for: [data.request_id], epoch: 0 });
    const { typedSearchAttributes } = await handle.describe();
    const attributes = Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
    expect(attributes).toMatchObject({
      HoldfastOrg: 'org_a',
      HoldfastThread: expect.stringMatching(/^thread_/),
      HoldfastPersona: 'assistant@1',
      HoldfastStatus: 'waiting_for_input',
    });
    await answer(stack, id, 'blue');
    await eventsToEnd(stack, id);
  });
});
