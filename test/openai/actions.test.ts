/** What a run asks of its client: everything at once, answered in one request, from here or from the native API. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cancel, detailsOf } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { callsOf, type OpenAiClient, openAiClient, type Run, runPath, toolOutputs, weatherTool } from './client.ts';

let stack: Stack;
let api: OpenAiClient;
let assistantId: string;
beforeAll(async () => {
  stack = await openStack();
  api = openAiClient(stack);
  assistantId = (await api.createAssistant({ tools: [weatherTool(), weatherTool('get_time')] })).id;
});
afterAll(async () => {
  await stack.close();
});

/** A run that waits for the outputs of these functions. */
async function waitingRun(script: string, assistant_id = assistantId): Promise<Run> {
  const run = await api.poll(await api.createRun(await api.createThread(script), { assistant_id }));
  expect(run.status).toBe('requires_action');
  return run;
}

const submitPath = (run: Run) => `${runPath(run)}/submit_tool_outputs`;
const [PARALLEL, ONE] = ['/parallel\n/tool get_weather\n/tool get_time', '/tool get_weather'];

describe('tool outputs', () => {
  it('are answered by the run as it is accepted, queued again, and reach the model', async () => {
    const run = await waitingRun(PARALLEL);
    const [first, second] = callsOf(run);
    const accepted = await api.submit(run, { [first?.id ?? '']: 'sun', [second?.id ?? '']: 'noon' });
    expect(accepted).toMatchObject({ id: run.id, status: 'queued', required_action: null });
    expect((await api.poll(run)).status).toBe('completed');
    const [, message] = await api.messages({ id: run.thread_id });
    expect(message?.content).toMatchObject([
      { text: { value: 'Done. get_weather returned sun; get_time returned noon' } },
    ]);
  });

  it('that are not exactly those asked for are refused, and the run goes on waiting', async () => {
    const run = await waitingRun(PARALLEL);
    const [first = '', second = ''] = callsOf(run).map((call) => call.id);
    const expected = `Expected tool outputs for call_ids ['${first}', '${second}'], got`;
    const refused = async (outputs: object[]) =>
      (await api.refused('POST', submitPath(run), { tool_outputs: outputs })).message;
    const output = (tool_call_id: string) => ({ tool_call_id, output: 'x' });
    expect(await refused([])).toBe(`${expected} []`);
    expect(await refused([output(first)])).toBe(`${expected} ['${first}']`);
    expect(await refused([output(first), output('call_x')])).toBe(`${expected} ['${first}', 'call_x']`);
    expect(await refused([output(first), output(second), output(second)])).toMatch(/^Expected/);
    expect((await api.getRun(run)).status).toBe('requires_action');
    await api.cancel(run);
  });

  it('given twice are taken once: the run is answered as it is; others are refused', async () => {
    const run = await waitingRun(ONE);
    const id = callsOf(run)[0]?.id ?? '';
    await api.submit(run, { [id]: 'sun' });
    const done = await api.poll(run);
    expect(await api.submit(run, { [id]: 'sun' })).toEqual(done);
    expect(await api.refused('POST', submitPath(run), toolOutputs({ [id]: 'rain' }))).toMatchObject({
      status: 400,
      message: 'Runs in status "completed" do not accept tool outputs.',
    });
  });

  it('given at the same time by two clients are taken from one of them', async () => {
    const run = await waitingRun(ONE);
    const id = callsOf(run)[0]?.id ?? '';
    const answers = await Promise.all(
      ['sun', 'rain', 'snow'].map((output) => api.call('POST', submitPath(run), toolOutputs({ [id]: output }))),
    );
    expect(answers.map((it) => it.status).sort()).toEqual([200, 400, 400]);
    expect((await api.poll(run)).status).toBe('completed');
  });

  it('of a run that waits for nothing are refused', async () => {
    const run = await api.createRun(await api.createThread('/think ms=30000'));
    await api.poll(run, ['queued']);
    expect((await api.refused('POST', submitPath(run), toolOutputs({ call_x: 'x' }))).message).toBe(
      'Runs in status "in_progress" do not accept tool outputs.',
    );
    await api.cancel(run);
  });

  it('may be given by the native API', async () => {
    const run = await waitingRun(ONE);
    const { pending_inputs } = await detailsOf(stack, run.id);
    const tool_outputs = [{ call_id: callsOf(run)[0]?.id, output: 'sun' }];
    const body = { request_id: pending_inputs[0]?.request_id, tool_outputs };
    expect((await stack.send('POST', `/v1/runs/${run.id}/input`, { body })).status).toBe(200);
    expect((await api.poll(run, ['queued', 'in_progress', 'requires_action'])).status).toBe('completed');
  });
});

describe('a question of a persona', () => {
  it('requires action as `ask_user`; the output is its answer', async () => {
    const run = await waitingRun('/ask Which colour?', 'assistant');
    const [call] = callsOf(run);
    expect(call?.function).toEqual({ name: 'ask_user', arguments: '{"question":"Which colour?"}' });
    const [step] = await api.steps(run);
    expect(step).toMatchObject({
      status: 'in_progress',
      step_details: { tool_calls: [{ id: call?.id, function: { name: 'ask_user', output: null } }] },
    });
    await api.submit(run, { [call?.id ?? '']: 'blue' });
    await api.poll(run);
    const [, message] = await api.messages({ id: run.thread_id });
    expect(message?.content).toMatchObject([{ text: { value: 'Done. ask_user said "blue"' } }]);
  });

  it('together with functions is asked and answered in one', async () => {
    const body = { assistant_id: 'assistant', tools: [weatherTool()] };
    const thread = await api.createThread('/parallel\n/ask Why?\n/tool get_weather\n/ask When?');
    const run = await api.poll(await api.createRun(thread, body));
    expect(
      callsOf(run)
        .map((call) => call.function.name)
        .sort(),
    ).toEqual(['ask_user', 'ask_user', 'get_weather']);
    await api.submit(run, Object.fromEntries(callsOf(run).map((call) => [call.id, `for ${call.function.name}`])));
    expect((await api.poll(run)).status).toBe('completed');
    const events = await stack.journal.db.selectFrom('events').select('type').where('run_id', '=', run.id).execute();
    expect(events.filter((event) => event.type === 'run.input_received')).toHaveLength(3);
  });

  it('that is answered by nothing is refused, naming the output', async () => {
    const run = await waitingRun('/ask Which colour?', 'assistant');
    const id = callsOf(run)[0]?.id ?? '';
    expect(await api.refused('POST', submitPath(run), toolOutputs({ [id]: '  ' }))).toMatchObject({
      status: 400,
      code: 'invalid_value',
      param: 'tool_outputs[0].output',
    });
    expect((await api.getRun(run)).status).toBe('requires_action');
    await cancel(stack, run.id);
    expect((await api.poll(run, ['requires_action', 'cancelling'])).status).toBe('cancelled');
  });
});

describe('a budget that is spent', () => {
  it('requires action as `raise_budget`, and the run goes on when it is raised', async () => {
    const persona = { key: 'thrifty', tools: ['ask_user'], budget: { max_turns: 1, on_exceeded: 'ask' } };
    expect((await stack.send('POST', '/v1/personas', { body: persona })).status).toBe(201);
    const first = await waitingRun('/ask Why?', 'thrifty');
    await api.submit(first, { [callsOf(first)[0]?.id ?? '']: 'because' });
    const run = await api.poll(first);
    const [call] = callsOf(run);
    expect(call?.function.name).toBe('raise_budget');
    expect(JSON.parse(call?.function.arguments ?? '')).toMatchObject({
      limit: 'max_turns',
      options: expect.any(Array),
    });
    await api.submit(run, { [call?.id ?? '']: 'raise' });
    expect((await api.poll(run)).status).toBe('completed');
  });
});

describe('a run made by the native API', () => {
  it('is read, listed and answered here', async () => {
    const thread = await api.createThread();
    const body = { input: '/ask Which?', metadata: { from: 'native' } };
    const created = await stack.send('POST', `/v1/threads/${thread.id}/runs`, { body });
    const { run_id } = (await created.json()) as { run_id: string };
    const run = await api.poll({ id: run_id, thread_id: thread.id });
    expect(run).toMatchObject({
      status: 'requires_action',
      assistant_id: 'assistant',
      expires_at: null,
      metadata: body.metadata,
    });
    await api.submit(run, { [callsOf(run)[0]?.id ?? '']: 'this' });
    expect((await api.poll(run)).status).toBe('completed');
    const { status } = await detailsOf(stack, run_id);
    expect(status).toBe('completed');
  });
});
