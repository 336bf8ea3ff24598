/** Tools that the server runs itself, seen by a client of OpenAI's API: they finish first, and what a person must decide is asked. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitingOf } from '../support/run-client.ts';
import { openWorkshopStack, type WorkshopStack } from '../tools/workshop-stack.ts';
import {
  callsOf,
  dataOf,
  names,
  type OpenAiClient,
  openAiClient,
  type Run,
  runPath,
  toolOutputs,
  weatherTool,
} from './client.ts';

let stack: WorkshopStack;
let api: OpenAiClient;
beforeAll(async () => {
  stack = await openWorkshopStack({ 'shop/note': 'always' });
  api = openAiClient(stack);
});
afterAll(async () => {
  await stack.close();
});

const STEP = ['thread.run.step.created', 'thread.run.step.in_progress', 'thread.run.step.delta'];

it('a call of the server is a step with its output, and asks nothing of the client', async () => {
  const thread = await api.createThread('/tool shop/look');
  const frames = await api.stream(`/threads/${thread.id}/runs`, { assistant_id: 'assistant' });
  expect(names(frames).slice(3, 7)).toEqual([...STEP, 'thread.run.step.completed']);
  const run = dataOf<Run>(frames, 'thread.run.completed');
  const [step] = await api.steps(run);
  expect(step).toEqual(dataOf(frames, 'thread.run.step.completed'));
  expect(step?.step_details.tool_calls).toMatchObject([
    { type: 'function', function: { name: 'shop/look', output: 'seen' } },
  ]);
});

it('what the server runs is done before the client is asked for its own', async () => {
  // Long enough to be at work still when the run is asked for.
  const script = '/parallel\n/tool shop/slow {"ms": 3000}\n/tool get_weather\n';
  const thread = await api.createThread(script);
  const run = await api.createRun(thread, { tools: [weatherTool()] });
  await waitingOf(stack, run.id);
  expect((await api.getRun(run)).status).toBe('in_progress');
  const waiting = await api.poll(run);
  expect(waiting.status).toBe('requires_action');
  expect(callsOf(waiting).map((call) => call.function.name)).toEqual(['get_weather']);
  const [step] = await api.steps(run);
  const outputs = step?.step_details.tool_calls?.map((call) => call.function.output !== null);
  expect(outputs).toEqual([true, false]);
  await api.submit(run, { [callsOf(waiting)[0]?.id ?? '']: 'sun' });
  expect((await api.poll(run)).status).toBe('completed');
});

describe('a call that must be approved', () => {
  const waiting = async () => {
    const run = await api.poll(await api.createRun(await api.createThread('/tool shop/note {"text": "rope"}')));
    const [call] = callsOf(run);
    expect(call?.function.name).toBe('approve_tool');
    expect(JSON.parse(call?.function.arguments ?? '')).toMatchObject({
      tool: 'shop/note',
      arguments: { text: 'rope' },
      call_id: expect.stringMatching(/^call_/),
      options: ['approve', 'deny', 'deny: <reason>'],
    });
    return { run, id: call?.id ?? '' };
  };

  it('requires action as `approve_tool`, and runs once it is approved', async () => {
    const { run, id } = await waiting();
    const before = stack.executions().length;
    const frames = await api.stream(`${runPath(run)}/submit_tool_outputs`, toolOutputs({ [id]: 'approve' }));
    expect(names(frames)[0]).toBe('thread.run.step.completed');
    expect(frames[0]?.data).toMatchObject({ step_details: { tool_calls: [{ function: { output: 'noted rope' } }] } });
    expect(names(frames).at(-1)).toBe('thread.run.completed');
    expect(stack.executions().length).toBe(before + 2);
  });

  it('is not made when it is denied, and the model is told why', async () => {
    const { run, id } = await waiting();
    await api.submit(run, { [id]: 'deny: no more rope' });
    expect((await api.poll(run)).status).toBe('completed');
    const [step] = await api.steps(run);
    expect(step?.step_details.tool_calls?.[0]?.function.output).toContain('no more rope');
  });

  it('takes no other output: the run goes on waiting', async () => {
    const { run, id } = await waiting();
    const refused = await api.refused('POST', `${runPath(run)}/submit_tool_outputs`, toolOutputs({ [id]: 'perhaps' }));
    expect(refused).toMatchObject({ status: 400, code: 'invalid_value', param: 'tool_outputs[0].output' });
    expect((await api.getRun(run)).status).toBe('requires_action');
    await api.cancel(run);
  });
});

it('a function of the client takes the place of a tool of the persona that has its name', async () => {
  const ask = { type: 'function', function: { name: 'ask_user', parameters: { type: 'object', properties: {} } } };
  const thread = await api.createThread('/tool ask_user {"anything": 1}');
  const run = await api.poll(await api.createRun(thread, { tools: [ask] }));
  expect(callsOf(run)[0]?.function).toEqual({ name: 'ask_user', arguments: '{"anything":1}' });
  await api.submit(run, { [callsOf(run)[0]?.id ?? '']: 'answer' });
  expect((await api.poll(run)).status).toBe('completed');
});
