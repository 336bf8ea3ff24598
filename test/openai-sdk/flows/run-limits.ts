/** Runs that fail, that meet a token limit, and what a run asks of its model. */
import { expect } from 'vitest';
import { until } from '../../support/until.ts';
import type { Flows } from '../support/suite.ts';
import { all, answersIn, begin, outputsFor, textOf, threadWith } from './dialogue.ts';

export const runLimitFlows: Flows = {
  async 'a failure names its kind: the rate, the prompt or the server'({ sdk }) {
    for (const [status, code] of [
      [429, 'rate_limit_exceeded'],
      [400, 'invalid_prompt'],
      [500, 'server_error'],
    ] as const) {
      const { assistant_id, thread } = await begin(sdk, `/fail status=${status} times=9`);
      const run = await sdk.createAndPoll(thread, { assistant_id, model: 'impatient' });
      expect(run).toMatchObject({ status: 'failed', last_error: { code }, completed_at: null });
      expect(run.last_error?.message).toBeTruthy();
      expect(run.failed_at).toBeGreaterThanOrEqual(run.created_at);
      expect(run.usage).not.toBeNull();
    }
  },

  async 'the limit of completion tokens makes a run incomplete, its cut answer kept'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/stream chunks=400 delay_ms=0');
    const run = await sdk.createAndPoll(thread, { assistant_id, max_completion_tokens: 256 });
    expect(run).toMatchObject({
      ...{ status: 'incomplete', incomplete_details: { reason: 'max_completion_tokens' } },
      ...{ max_completion_tokens: 256, completed_at: null, last_error: null, usage: { completion_tokens: 256 } },
    });
    const [message] = await all(sdk.listMessages(thread, { run_id: run.id }));
    expect(message).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_tokens' } });
    expect(message && textOf(message).trim().split(' ')).toHaveLength(256);
  },

  async 'the limit of prompt tokens makes a run incomplete'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/usage input=300 output=5\n/tool get_weather {"city":"Oslo"}');
    let run = await sdk.createAndPoll(thread, { assistant_id, max_prompt_tokens: 256 });
    if (run.status === 'requires_action') run = await sdk.submitAndPoll(thread, run.id, outputsFor(run));
    expect(run).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_prompt_tokens' } });
  },

  async "a persona's budget of tokens makes a run incomplete too"({ sdk }) {
    const thread = (await threadWith(sdk, '/usage input=300 output=5\n/tool shop/look {}')).id;
    const run = await sdk.createAndPoll(thread, { assistant_id: 'frugal' });
    expect(run).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_completion_tokens' } });
    expect(run).toMatchObject({ last_error: null, usage: { prompt_tokens: 300, completion_tokens: 5 } });

    const cut = (await threadWith(sdk, '/stream chunks=400 delay_ms=0')).id;
    expect(await sdk.createAndPoll(cut, { assistant_id: 'frugal' })).toMatchObject({
      ...{ status: 'incomplete', incomplete_details: { reason: 'max_completion_tokens' }, completed_at: null },
    });
    expect((await sdk.listMessages(cut, {})).data[0]).toMatchObject({
      ...{ status: 'incomplete', incomplete_details: { reason: 'max_tokens' } },
    });
  },

  async 'truncation to the last messages is what the model is sent'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, 'one two three four five six seven eight');
    await sdk.createMessage(thread, { role: 'user', content: 'nine ten' });
    const truncation_strategy = { type: 'last_messages' as const, last_messages: 1 };
    const run = await sdk.createAndPoll(thread, { assistant_id, truncation_strategy });
    expect(run).toMatchObject({ truncation_strategy, usage: { prompt_tokens: 2 + 2 } });
  },

  async 'a run of the native API is the same run here'({ sdk, suite }) {
    const { thread } = await begin(sdk, '/say Hello from elsewhere');
    const { json } = await suite.main.request('POST', `/v1/threads/${thread}/runs`, {});
    const run = await sdk.poll(thread, json.run_id);
    expect(run).toMatchObject({ id: json.run_id, status: 'completed', thread_id: thread });
    expect(await answersIn(sdk, thread)).toEqual(['Hello from elsewhere']);
    const here = await sdk.createAndPoll((await threadWith(sdk, '/say Hello')).id, { assistant_id: 'assistant' });
    const there = await suite.main.request('GET', `/v1/runs/${here.id}`);
    expect(there.json).toMatchObject({ run_id: here.id, thread_id: here.thread_id, status: 'completed' });
  },

  async 'sampling, format and tools reach the provider'({ sdk, suite }) {
    suite.wire.script('openai-compatible', [{ text: ['{"ok":', 'true}'] }]);
    const { assistant_id, thread } = await begin(sdk, 'Go');
    const schema = {
      type: 'object',
      properties: { ok: { type: 'boolean' } },
      required: ['ok'],
      additionalProperties: false,
    };
    const run = await sdk.createAndPoll(thread, {
      ...{ assistant_id, model: 'wired', temperature: 0.25, top_p: 0.75, parallel_tool_calls: false },
      ...{ tool_choice: 'none', max_completion_tokens: 300 },
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } },
    });
    expect(run).toMatchObject({ status: 'completed', temperature: 0.25, top_p: 0.75, parallel_tool_calls: false });
    const sent = await until(() => suite.wire.requests.at(-1), 'the provider was asked');
    expect(sent.body).toMatchObject({ model: 'wired-model', temperature: 0.25, top_p: 0.75 });
    expect(sent.body.response_format).toMatchObject({ type: 'json_schema', json_schema: { name: 'answer', schema } });
    expect(JSON.stringify(sent.body.messages)).toContain('Be brief.');
  },
};
