/** Runs as Minds writes them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DialectClient,
  dialectClient,
  outputOf,
  type Run,
  runPath,
  STATUSES,
  weatherTool,
} from '../dialects/client.ts';
import { detailsOf, shortPersona } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { FIELDS, fieldsOf, idOf, runsIn } from './run-fields.ts';

let stack: Stack;
let api: DialectClient;
beforeAll(async () => {
  stack = await openStack();
  api = dialectClient(stack, '/minds');
});
afterAll(async () => {
  await stack.close();
});

describe('a run', () => {
  it('for which nothing was asked shows nothing as set', async () => {
    const thread = await api.createThread('/say Hello.');
    const run = await api.createRun(thread);
    expect(run).toEqual({
      id: expect.stringMatching(/^mdb_run_[0-9a-f]{32}$/),
      object: 'thread.run',
      thread_id: thread.id,
      assistant_id: expect.stringMatching(/^mdb_asst_[0-9a-f]{32}$/),
      status: 'queued',
      created_at: expect.any(Number),
      expires_at: null,
      started_at: null,
      completed_at: null,
      failed_at: null,
      cancelled_at: null,
      required_action: null,
      last_error: null,
      incomplete_details: null,
      model: '',
      instructions: '',
      tools: [],
      metadata: null,
      max_prompt_tokens: null,
      max_completion_tokens: null,
      truncation_strategy: null,
      tool_choice: null,
      response_format: null,
      usage: null,
      temperature: null,
      top_p: null,
    });
  });

  it('shows what was asked for', async () => {
    const asked = {
      model: 'demo',
      instructions: 'Rhyme.',
      tools: [weatherTool],
      metadata: { team: 'a' },
      temperature: 0.5,
      top_p: 0.9,
      tool_choice: 'auto',
      response_format: { type: 'text' },
      truncation_strategy: { type: 'last_messages', last_messages: 3 },
      max_prompt_tokens: 1000,
      max_completion_tokens: 500,
    };
    expect(await api.createRun(await api.createThread('/say Hello.'), asked)).toMatchObject(asked);
  });

  it('keeps to its mind’s word where it says nothing itself, and shows the tools it has', async () => {
    const mind = { model: 'demo', instructions: 'Be brief.', tools: [weatherTool], temperature: 0.3 };
    const assistant_id = (await api.createAssistant(mind)).id;
    const body = { assistant_id, model: '', instructions: '' };
    const run = await api.createRun(await api.createThread('/say Hello.'), body);
    expect(run).toMatchObject({ model: '', instructions: '', tools: [weatherTool], temperature: null });
    const seenBy = dialectClient(stack, '/openai/v1');
    const { id, thread_id } = {
      id: await idOf(stack, 'run', run.id),
      thread_id: await idOf(stack, 'thread', run.thread_id),
    };
    expect(await seenBy.getRun({ id, thread_id })).toMatchObject(mind);
  });

  it('may name its mind as its model, which asks for none', async () => {
    const { id: assistant_id } = await api.createAssistant({ name: 'Oracle' });
    const run = await api.createRun(await api.createThread('/say Hello.'), { assistant_id: 'Oracle', model: 'Oracle' });
    expect(run).toMatchObject({ assistant_id, model: '' });
  });

  it.each(STATUSES)('that is %s has exactly its twenty-six fields', async (status, script, body) => {
    const run = await api.createRun(await api.createThread(script), body);
    const seen = await api.poll(run, ['queued', ...(status === 'in_progress' ? [] : ['in_progress'])]);
    expect([seen.status, fieldsOf(seen)]).toEqual([status, FIELDS]);
    if (status === 'requires_action' || status === 'in_progress') await api.cancel(run);
  });

  it('that is cancelled has them too, and so has the answer of the cancel', async () => {
    const run = await api.createRun(await api.createThread('/think ms=30000'));
    const cancelling = await api.cancel(run);
    expect([cancelling.status, fieldsOf(cancelling)]).toEqual(['cancelling', FIELDS]);
    const seen = await api.poll(run);
    expect([seen.status, fieldsOf(seen)]).toEqual(['cancelled', FIELDS]);
  });

  it('that expired because nobody answered has them as well', async () => {
    const assistant_id = await shortPersona(stack, 1);
    const seen = await api.poll(await api.createRun(await api.createThread('/ask Who is there?'), { assistant_id }), [
      ...['queued', 'in_progress', 'requires_action'],
    ]);
    expect([seen.status, fieldsOf(seen)]).toEqual(['expired', FIELDS]);
  });

  it('that waits is answered here, at once or in a stream', async () => {
    const waiting = async () => {
      const run = await api.createRun(await api.createThread('/tool get_weather'), { tools: [weatherTool] });
      return await api.poll(run);
    };
    const one = await waiting();
    const accepted = await api.ok<Run>('POST', `${runPath(one)}/submit_tool_outputs`, outputOf(one, 'sun'));
    expect([accepted.status, fieldsOf(accepted)]).toEqual(['queued', FIELDS]);
    expect((await api.poll(one)).status).toBe('completed');
    const other = await waiting();
    const frames = await api.stream(`${runPath(other)}/submit_tool_outputs`, outputOf(other, 'sun'));
    expect(frames.at(-1)?.data).toEqual(await api.getRun(other));
    for (const run of runsIn(frames)) expect(fieldsOf(run)).toEqual(FIELDS);
  });
});

describe('metadata', () => {
  it.each([
    ['an object', { team: 'a', step: '1' }, { team: 'a', step: '1' }],
    ['an array of texts', ['a', '1'], ['a', '1']],
    ['an array of anything', [{ key: 'team', value: 'a' }, 7, null], [{ key: 'team', value: 'a' }, 7, null]],
    ['an empty object', {}, null],
    ['an empty array', [], null],
    ['null', null, null],
  ])('is %s, and shown as it was given', async (_what, metadata, shown) => {
    const run = await api.createRun(await api.createThread('/say Hello.'), { metadata });
    expect(run.metadata).toEqual(shown);
    expect((await api.poll(run)).metadata).toEqual(shown);
  });

  it('is pairs of texts for the other dialects', async () => {
    const run = await api.createRun(await api.createThread('/say Hello.'), { metadata: ['a', { b: 1 }] });
    expect((await detailsOf(stack, await idOf(stack, 'run', run.id))).metadata).toEqual({ 0: 'a', 1: '{"b":1}' });
  });

  it.each<[string, unknown, string, string]>([
    ['seventeen items', Array(17).fill('a'), 'metadata', 'invalid_value'],
    ['an item of 513 characters', ['a'.repeat(513)], 'metadata[0]', 'string_too_long'],
    ['a number in an object', { a: 1 }, 'metadata.a', 'invalid_type'],
    ['a text', 'a', 'metadata', 'invalid_type'],
  ])('is refused with %s', async (_what, metadata, param, code) => {
    const thread = await api.createThread('/say Hello.');
    const refused = await api.refused('POST', `/threads/${thread.id}/runs`, { assistant_id: 'assistant', metadata });
    expect(refused).toMatchObject({ status: 400, param, code });
  });
});
