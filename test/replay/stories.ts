/** One run of each kind whose history must stay replayable, made through the API. */
import { eventsToEnd, eventsUntil } from '../support/events.ts';
import { answer, cancel, closedAs, createRun, loseWorkflow, shortPersona, waitingOf } from '../support/run-client.ts';
import type { Stack } from '../support/stack.ts';

/** Makes the run, brings it to its end and gives its id. */
type Story = (stack: Stack) => Promise<string>;

const locate = { type: 'function', function: { name: 'locate', parameters: { type: 'object', properties: {} } } };

export const stories: Record<string, Story> = {
  'one-turn': (stack) => createRun(stack, 'hello'),

  'question-and-answer': async (stack) => {
    const id = await createRun(stack, '/say Hello.\n/ask Which colour?');
    await waitingOf(stack, id);
    await answer(stack, id, 'blue');
    return id;
  },

  'client-tools': async (stack) => {
    const input = '/parallel\n/tool locate {"of": "a"}\n/tool locate {"of": "b"}\n\n/tool unknown {}';
    const id = await createRun(stack, { input, tools: [locate] });
    const { data } = await waitingOf(stack, id);
    const calls = data.tool_calls as { call_id: string }[];
    const outputs = { tool_outputs: calls.map(({ call_id }) => ({ call_id, output: 'here' })) };
    await stack.send('POST', `/v1/runs/${id}/input`, { body: outputs });
    return id;
  },

  'cancelled-while-streaming': async (stack) => {
    const id = await createRun(stack, '/say Hello.\n/think ms=30000');
    await eventsUntil(stack, id, (event) => event.type === 'message.delta');
    await cancel(stack, id);
    return id;
  },

  'cancelled-while-waiting': async (stack) => {
    const id = await createRun(stack, '/ask Which colour?');
    await waitingOf(stack, id);
    await cancel(stack, id);
    return id;
  },

  failed: (stack) => createRun(stack, '/fail status=401'),

  retried: (stack) => createRun(stack, '/say Hello.\n/fail status=503 retry_after=1'),

  'expired-input': async (stack) =>
    await createRun(stack, { input: '/ask Which colour?', persona_id: await shortPersona(stack, 0.5) }),

  resumed: async (stack) => {
    const id = await createRun(stack, '/ask Which colour?');
    await waitingOf(stack, id);
    await loseWorkflow(stack, id);
    await stack.relay.sweep(0);
    await answer(stack, id, 'blue');
    return id;
  },
};

/** Tells one of the stories to its end: the run's workflow has closed. */
export async function tell(stack: Stack, story: Story): Promise<string> {
  const id = await story(stack);
  await eventsToEnd(stack, id);
  await closedAs(stack, id);
  return id;
}
