/** One run of each kind whose history must stay replayable, made through the API. */
import { eventsToEnd, eventsUntil } from '../support/events.ts';
import { failNext } from '../support/failing-write.ts';
import {
  answer,
  cancel,
  closedAs,
  createRun,
  detailsOf,
  loseWorkflow,
  shortPersona,
  waitingOf,
} from '../support/run-client.ts';
import type { Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

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

  'waits-and-messages': async (stack) => {
    const persona_id = await leadPersona(stack);
    const input = '/parallel\n/tool wait {"seconds": 1}\n/ask Which colour?\n';
    const id = await createRun(stack, { persona_id, input });
    await waitingOf(stack, id);
    await stack.send('POST', `/v1/runs/${id}/messages`, { body: { content: '/say Never mind.' } });
    await answer(stack, id, 'blue');
    return id;
  },

  children: async (stack) => {
    const persona_id = await leadPersona(stack);
    const task = (input: string) => `/tool run_agent ${JSON.stringify({ persona: 'assistant', input })}`;
    const input = `/parallel\n${task('/say One.')}\n${task('/fail status=401')}\n\n${task('/ask Which?')}`;
    const id = await createRun(stack, { persona_id, input });
    await eventsUntil(stack, id, (event) => event.type === 'turn.started' && event.data.turn === 2);
    await answerChild(stack, id);
    return id;
  },

  'cancelled-with-a-child': async (stack) => {
    const persona_id = await leadPersona(stack);
    const input = '/tool run_agent {"persona": "assistant", "input": "/think ms=30000"}';
    const id = await createRun(stack, { persona_id, input });
    await eventsUntil(stack, id, (event) => event.type === 'tool.progress');
    await cancel(stack, id);
    return id;
  },

  approved: async (stack) => {
    const body = { key: 'careful', tools: ['run_agent'], approval: { run_agent: 'always' } };
    await stack.send('POST', '/v1/personas', { body });
    const input = '/tool run_agent {"persona": "assistant", "input": "/say Hello."}';
    const id = await createRun(stack, { persona_id: 'careful', input });
    await waitingOf(stack, id);
    await answer(stack, id, 'approve');
    return id;
  },

  'brief-calls': async (stack) => {
    failNext(stack, 'beginCall');
    return await createRun(stack, '/tool shop/look {}\n/parallel\n/tool shop/look {}\n/tool shop/look {}\n');
  },

  resumed: async (stack) => {
    const id = await createRun(stack, '/ask Which colour?');
    await waitingOf(stack, id);
    await loseWorkflow(stack, id);
    await stack.relay.sweep(0);
    await answer(stack, id, 'blue');
    return id;
  },
};

/** A persona that gives its work to others. */
async function leadPersona(stack: Stack): Promise<string> {
  const body = { key: 'lead', tools: ['ask_user', 'run_agent', 'wait'] };
  const response = await stack.send('POST', '/v1/personas', { body });
  if (response.status !== 201) throw new Error(`persona: ${response.status} ${await response.text()}`);
  return 'lead';
}

/** Answers the question that a child of the run asks. */
async function answerChild(stack: Stack, id: string): Promise<void> {
  const asked = async () => (await detailsOf(stack, id)).pending_inputs[0];
  const request = await until(asked, 'a child asks its human');
  await answer(stack, request.run_id, 'blue');
}

/** Tells one of the stories to its end: the run's workflow has closed. */
export async function tell(stack: Stack, story: Story): Promise<string> {
  const id = await story(stack);
  await eventsToEnd(stack, id);
  await closedAs(stack, id);
  return id;
}
