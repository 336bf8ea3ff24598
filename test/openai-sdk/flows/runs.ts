/** Runs by create and poll: how they end, what they were given, what was spent. */
import { expect } from 'vitest';
import type { Flows } from '../support/suite.ts';
import { all, answersIn, begin, outputsFor, textOf } from './dialogue.ts';

export const runFlows: Flows = {
  async 'createAndPoll runs a thread to its completed answer'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/usage input=12 cached=4 output=3\n/say Hello there');
    const run = await sdk.createAndPoll(thread, { assistant_id, metadata: { job: '7' } });
    expect(run).toMatchObject({
      ...{ object: 'thread.run', status: 'completed', assistant_id, thread_id: thread, metadata: { job: '7' } },
      ...{ model: 'gpt-4o', instructions: 'Be brief.', last_error: null, incomplete_details: null },
      ...{ required_action: null, expires_at: null, failed_at: null, cancelled_at: null },
    });
    expect(run.usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 });
    expect(run.id).toMatch(/^run_/);
    const { created_at, started_at, completed_at } = run;
    expect(started_at).toBeGreaterThanOrEqual(created_at);
    expect(completed_at).toBeGreaterThanOrEqual(started_at ?? Number.POSITIVE_INFINITY);

    const [message] = await all(sdk.listMessages(thread, { run_id: run.id }));
    expect(message).toMatchObject({
      ...{ role: 'assistant', run_id: run.id, assistant_id, thread_id: thread, status: 'completed' },
      content: [{ type: 'text', text: { value: 'Hello there', annotations: [] } }],
    });
    const [step, ...others] = await all(sdk.listSteps(thread, run.id, {}));
    expect(others).toEqual([]);
    expect(step).toMatchObject({
      ...{ object: 'thread.run.step', type: 'message_creation', status: 'completed', run_id: run.id, assistant_id },
      step_details: { type: 'message_creation', message_creation: { message_id: message?.id } },
    });
    expect(step?.usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 });
    expect(step?.id).toMatch(/^step_/);
    expect(await sdk.getStep(thread, run.id, step?.id ?? '')).toEqual(step);
  },

  async 'a created run is queued, expires in ten minutes and has no usage yet'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/think ms=50\n/say Hello');
    const run = await sdk.createRun(thread, { assistant_id });
    expect(run).toMatchObject({ status: 'queued', usage: null, started_at: null, completed_at: null });
    expect(run.expires_at).toBe(run.created_at + 600);
    expect(run._request_id).toBeTruthy();
    expect(await sdk.poll(thread, run.id)).toMatchObject({ id: run.id, status: 'completed' });
  },

  async 'a helper that polls is told when to ask again'({ sdk, requests }) {
    const { assistant_id, thread } = await begin(sdk, '/think ms=1500\n/say Hello');
    await sdk.createAndPoll(thread, { assistant_id });
    const polls = requests().filter((it) => it.operation === 'getRun');
    for (const poll of polls) expect(poll.headers['openai-poll-after-ms']).toMatch(/^[1-9]\d*$/);
    expect(polls.length).toBeGreaterThan(1);
    expect(polls.length).toBeLessThan(80);
  },

  async 'createAndRunPoll makes the thread and runs it'({ sdk }) {
    const run = await sdk.createAndRunPoll({
      assistant_id: 'assistant',
      thread: { messages: [{ role: 'user', content: '/say Made in one call' }], metadata: { from: 'here' } },
    });
    expect(run.status).toBe('completed');
    expect(await answersIn(sdk, run.thread_id)).toEqual(['Made in one call']);
    expect((await sdk.getThread(run.thread_id)).metadata).toEqual({ from: 'here' });
  },

  async 'a run of an empty thread answers its instructions alone'({ sdk }) {
    const run = await sdk.createAndRunPoll({ assistant_id: 'assistant' });
    expect(run.status).toBe('completed');
    expect(await answersIn(sdk, run.thread_id)).toEqual(['There is no message to answer.']);
  },

  async 'additional messages come before the run, instructions replace, additional instructions append'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, 'Ignored');
    const more = { additional_messages: [{ role: 'user' as const, content: '/say Answered', metadata: { n: '2' } }] };
    const run = await sdk.createAndPoll(thread, { assistant_id, instructions: 'Only this.', ...more });
    expect(run).toMatchObject({ status: 'completed', instructions: 'Only this.' });
    const messages = await all(sdk.listMessages(thread, { order: 'asc' }));
    expect(messages.map((it) => [it.role, textOf(it), it.metadata])).toEqual([
      ['user', 'Ignored', {}],
      ['user', '/say Answered', { n: '2' }],
      ['assistant', 'Answered', {}],
    ]);
    // Two words of instructions each, two of every later message: the demo model counts a word as a token.
    const appended = await sdk.createAndPoll(thread, { assistant_id, additional_instructions: 'And be kind.' });
    expect(appended.usage?.prompt_tokens).toBe(2 + 3 + 4);
  },

  async 'metadata of a run is changed, and nothing else of it'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/say Hello');
    const run = await sdk.createAndPoll(thread, { assistant_id, metadata: { a: '1' } });
    const changed = await sdk.updateRun(thread, run.id, { b: '2' });
    expect(changed).toEqual({ ...run, metadata: { b: '2' } });
    expect(await sdk.getRun(thread, run.id)).toEqual(changed);
  },

  async 'runs of a thread are listed in both orders, page after page'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/say Hello');
    const made: string[] = [];
    for (let i = 0; i < 3; i++) made.push((await sdk.createAndPoll(thread, { assistant_id })).id);
    const ids = async (order: 'asc' | 'desc') =>
      (await all(sdk.listRuns(thread, { order, limit: 2 }))).map((it) => it.id);
    expect(await ids('asc')).toEqual(made);
    expect(await ids('desc')).toEqual(made.toReversed());
    const of = async (run_id = '') => (await all(sdk.listMessages(thread, { run_id }))).map((it) => it.run_id);
    expect(await of(made[1])).toEqual([made[1]]);
  },

  async 'what a file search found may be asked for with steps, and is not there'({ sdk, requests }) {
    const { assistant_id, thread } = await begin(sdk, '/say Hello');
    const run = await sdk.createAndPoll(thread, { assistant_id });
    const include = ['step_details.tool_calls[*].file_search.results[*].content' as const];
    expect(await all(sdk.listSteps(thread, run.id, { include }))).toEqual(await all(sdk.listSteps(thread, run.id, {})));
    expect(decodeURIComponent(requests().find((it) => it.operation === 'listRunSteps')?.query ?? '')).toMatch(
      /^include\[\d*\]=/,
    );
  },

  async 'steps are listed in both orders, page after page'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/say One\n/tool get_weather {"city":"Oslo"}\n/say Two');
    const waiting = await sdk.createAndPoll(thread, { assistant_id });
    const run = await sdk.submitAndPoll(thread, waiting.id, outputsFor(waiting));
    const types = async (order: 'asc' | 'desc') =>
      (await all(sdk.listSteps(thread, run.id, { order, limit: 1 }))).map((it) => it.type);
    expect(await types('asc')).toEqual(['message_creation', 'tool_calls', 'message_creation']);
    expect(await types('desc')).toEqual(['message_creation', 'tool_calls', 'message_creation']);
    const steps = await all(sdk.listSteps(thread, run.id, {}));
    const sum = (key: 'prompt_tokens' | 'completion_tokens') =>
      steps.reduce((total, step) => total + (step.usage?.[key] ?? 0), 0);
    expect(sum('prompt_tokens')).toBe(run.usage?.prompt_tokens);
    expect(sum('completion_tokens')).toBe(run.usage?.completion_tokens);
  },
};
