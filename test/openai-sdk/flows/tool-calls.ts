/** The client's own functions: asked for, answered, answered wrongly, by poll and by stream. */
import { expect } from 'vitest';
import type { StreamEvent } from '../support/npm-sdk.ts';
import type { Flows } from '../support/suite.ts';
import {
  all,
  answersIn,
  begin,
  callsAsked,
  callsOf,
  functionsOf,
  listed,
  ONE_CITY,
  outputsFor,
  TWO_CITIES,
  told,
  toolCallsOf,
  WEATHER,
} from './dialogue.ts';

const BOTH_ASKED = [
  ['get_weather', { city: 'Oslo' }],
  ['get_weather', { city: 'Bergen' }],
];
const BOTH_ANSWERED = 'Done. get_weather returned Oslo: 3 degrees; get_weather returned Bergen: 3 degrees';

export const toolCallFlows: Flows = {
  async 'parallel calls are answered together, by poll'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, TWO_CITIES);
    const waiting = await sdk.createAndPoll(thread, { assistant_id });
    expect(waiting).toMatchObject({ status: 'requires_action', required_action: { type: 'submit_tool_outputs' } });
    expect(waiting).toMatchObject({ usage: null, completed_at: null });
    expect(callsAsked(waiting)).toEqual(BOTH_ASKED);
    for (const call of callsOf(waiting))
      expect(call).toMatchObject({ id: expect.stringMatching(/^call_/), type: 'function' });
    const [open] = await all(sdk.listSteps(thread, waiting.id, {}));
    expect(open).toMatchObject({ type: 'tool_calls', status: 'in_progress', completed_at: null });
    expect(functionsOf(open).map((it) => it?.output)).toEqual([null, null]);

    const done = await sdk.submitAndPoll(thread, waiting.id, outputsFor(waiting));
    expect(done).toMatchObject({ status: 'completed', required_action: null });
    expect(await answersIn(sdk, thread)).toEqual([BOTH_ANSWERED]);
    const steps = await all(sdk.listSteps(thread, done.id, { order: 'asc' }));
    expect(steps.map((it) => [it.type, it.status])).toEqual([
      ['tool_calls', 'completed'],
      ['message_creation', 'completed'],
    ]);
    expect(toolCallsOf(steps[0]).map((it) => it.id)).toEqual(callsOf(waiting).map((it) => it.id));
    expect(functionsOf(steps[0]).map((it) => it?.output)).toEqual(['Oslo: 3 degrees', 'Bergen: 3 degrees']);
  },

  async 'parallel calls are answered together, by stream'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, TWO_CITIES);
    const heard: string[] = [];
    const stream = sdk
      .stream(thread, { assistant_id })
      .on('toolCallCreated', () => heard.push('created'))
      .on('toolCallDone', (call) => heard.push(call.type === 'function' ? call.function.arguments : '?'));
    const waiting = await stream.finalRun();
    expect(waiting.status).toBe('requires_action');
    expect(callsAsked(waiting)).toEqual(BOTH_ASKED);
    expect(heard.map((it) => (it === 'created' ? it : JSON.parse(it)))).toEqual([
      ...['created', { city: 'Oslo' }],
      ...['created', { city: 'Bergen' }],
    ]);
    // What the stream has shown is what a poll shows.
    expect(await sdk.getRun(thread, waiting.id)).toEqual(waiting);

    const events: StreamEvent[] = [];
    const submitted = sdk
      .submitStream(thread, waiting.id, outputsFor(waiting))
      .on('event', (event) => events.push(event));
    const [message] = await submitted.finalMessages();
    expect((await submitted.finalRun()).status).toBe('completed');
    expect(message?.content).toMatchObject([{ type: 'text', text: { value: BOTH_ANSWERED } }]);
    expect(events.slice(0, 4).map(({ event }) => event)).toEqual([
      ...['thread.run.step.completed', 'thread.run.queued', 'thread.run.in_progress', 'thread.run.step.created'],
    ]);
    expect(told(events)).toEqual(await listed(sdk, await submitted.finalRun()));
    expect(await answersIn(sdk, thread)).toEqual([BOTH_ANSWERED]);
  },

  async 'functions of the run are called when the assistant has none'({ sdk }) {
    const run = await sdk.createAndRunPoll({
      ...{ assistant_id: 'assistant', tools: [WEATHER] },
      thread: { messages: [{ role: 'user', content: ONE_CITY }] },
    });
    expect(callsAsked(run)).toEqual([['get_weather', { city: 'Oslo' }]]);
    const done = await sdk.submitAndPoll(run.thread_id, run.id, outputsFor(run));
    expect(done.status).toBe('completed');
  },

  async 'an empty output is an output'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, ONE_CITY);
    const waiting = await sdk.createAndPoll(thread, { assistant_id });
    expect((await sdk.submitAndPoll(thread, waiting.id, outputsFor(waiting, ''))).status).toBe('completed');
    const steps = await all(sdk.listSteps(thread, waiting.id, { order: 'asc' }));
    expect(functionsOf(steps[0])).toMatchObject([{ name: 'get_weather', output: '' }]);
  },

  async 'a chosen function and a schema are shown as they were asked for'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/say Hello');
    const tool_choice = { type: 'function' as const, function: { name: 'get_weather' } };
    const json_schema = { name: 'answer', schema: { type: 'object', properties: {} }, strict: true };
    const response_format = { type: 'json_schema' as const, json_schema };
    const run = await sdk.createAndPoll(thread, { assistant_id, tool_choice, response_format });
    expect(run).toMatchObject({ tool_choice, response_format, tools: [WEATHER] });
  },

  async 'without parallel calls they come one after the other'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, TWO_CITIES);
    const first = await sdk.createAndPoll(thread, { assistant_id, parallel_tool_calls: false });
    expect(callsAsked(first)).toEqual(BOTH_ASKED.slice(0, 1));
    const second = await sdk.submitAndPoll(thread, first.id, outputsFor(first));
    expect(second).toMatchObject({ id: first.id, status: 'requires_action' });
    expect(callsAsked(second)).toEqual(BOTH_ASKED.slice(1));
    expect((await sdk.submitAndPoll(thread, second.id, outputsFor(second))).status).toBe('completed');
  },

  async 'outputs for other calls, or for some only, are refused and change nothing'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, TWO_CITIES);
    const waiting = await sdk.createAndPoll(thread, { assistant_id });
    const [oslo, bergen] = callsOf(waiting).map((it) => it.id);
    for (const tool_outputs of [
      outputsFor(waiting).slice(0, 1),
      [{ tool_call_id: 'call_wrong', output: 'x' }],
      [...outputsFor(waiting), { tool_call_id: 'call_wrong', output: 'x' }],
      [],
    ]) {
      const refused = sdk.submit(thread, waiting.id, tool_outputs);
      await expect(refused).rejects.toBeInstanceOf(sdk.errors.BadRequestError);
      await expect(refused).rejects.toMatchObject({
        message: expect.stringMatching(
          new RegExp(`^400 Expected tool outputs for call_ids \\[.*${oslo}.*${bergen}.*\\], got \\[.*\\]`),
        ),
        ...{ type: 'invalid_request_error', code: null },
      });
    }
    expect(await sdk.getRun(thread, waiting.id)).toEqual(waiting);
    expect((await sdk.submitAndPoll(thread, waiting.id, outputsFor(waiting))).status).toBe('completed');
  },

  async 'outputs submitted again answer the run as it is'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, ONE_CITY);
    const waiting = await sdk.createAndPoll(thread, { assistant_id });
    const outputs = outputsFor(waiting);
    expect(await sdk.submit(thread, waiting.id, outputs)).toMatchObject({
      ...{ id: waiting.id, status: 'queued', required_action: null },
    });
    expect((await sdk.submit(thread, waiting.id, outputs)).id).toBe(waiting.id);
    expect((await sdk.poll(thread, waiting.id)).status).toBe('completed');
    expect(await sdk.submit(thread, waiting.id, outputs)).toMatchObject({ id: waiting.id, status: 'completed' });
    expect(await answersIn(sdk, thread)).toEqual(['Done. get_weather returned Oslo: 3 degrees']);
  },

  async 'a submitted stream that is asked for again tells the same'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, ONE_CITY);
    const waiting = await sdk.createAndPoll(thread, { assistant_id });
    const submit = async () => {
      const events: StreamEvent[] = [];
      const stream = sdk
        .submitStream(thread, waiting.id, outputsFor(waiting))
        .on('event', (event) => events.push(event));
      expect((await stream.finalRun()).status).toBe('completed');
      return events.filter(({ event }) => !event.endsWith('.delta'));
    };
    const first = await submit();
    expect(await submit()).toEqual(first);
  },

  async 'of two different outputs at once exactly one is taken'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, ONE_CITY);
    const waiting = await sdk.createAndPoll(thread, { assistant_id });
    const submitted = await Promise.allSettled(
      ['rain', 'sun'].map((output) => sdk.submit(thread, waiting.id, outputsFor(waiting, output))),
    );
    expect(submitted.map((it) => it.status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const taken = submitted[0]?.status === 'fulfilled' ? 'rain' : 'sun';
    const refused = submitted.find((it) => it.status === 'rejected');
    expect(refused?.reason).toMatchObject({
      status: 400,
      message: expect.stringMatching(/^400 Runs in status ".+" do not accept tool outputs\.$/),
    });
    expect((await sdk.poll(thread, waiting.id)).status).toBe('completed');
    expect(await answersIn(sdk, thread)).toEqual([`Done. get_weather returned ${taken}`]);
  },
};
