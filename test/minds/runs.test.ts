/** Runs as Minds writes them, and runs that their caller names. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DialectClient,
  dialectClient,
  type Frame,
  outputOf,
  type Run,
  runPath,
  STATUSES,
  weatherTool,
} from '../dialects/client.ts';
import { detailsOf, shortPersona } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';

const FIELDS = [
  ...['id', 'assistant_id', 'cancelled_at', 'completed_at', 'created_at', 'expires_at', 'failed_at'],
  ...['incomplete_details', 'instructions', 'last_error', 'max_completion_tokens', 'max_prompt_tokens', 'metadata'],
  ...['model', 'object', 'required_action', 'response_format', 'started_at', 'status', 'thread_id', 'tool_choice'],
  ...['tools', 'truncation_strategy', 'usage', 'temperature', 'top_p'],
].sort();
const fieldsOf = (run: object) => Object.keys(run).sort();

let stack: Stack;
let api: DialectClient;
beforeAll(async () => {
  stack = await openStack();
  api = dialectClient(stack, '/minds');
});
afterAll(async () => {
  await stack.close();
});

let made = 0;
/** A name that no run has. */
const newName = () => `mdb_run_${(++made).toString(16).padStart(32, 'f')}`;
/** Our id of what Minds calls so. */
const idOf = async (kind: 'run' | 'thread', alias: string) =>
  String(await stack.holdfast.resolveAlias(await stack.holdfast.authenticate(stack.key, '0'.repeat(32)), kind, alias));
const runs = async () => (await stack.journal.db.selectFrom('runs').select('id').execute()).length;

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
    const { id, thread_id } = { id: await idOf('run', run.id), thread_id: await idOf('thread', run.thread_id) };
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
    expect((await detailsOf(stack, await idOf('run', run.id))).metadata).toEqual({ 0: 'a', 1: '{"b":1}' });
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

describe('a run that its caller names', () => {
  const body = { assistant_id: 'assistant', instructions: 'Rhyme.', metadata: { a: '1' } };
  const pathOf = (thread: { id: string }, name: string) => `/threads/${thread.id}/runs/${name}`;

  it('is made under that name', async () => {
    const name = newName();
    const thread = await api.createThread('/say Hello.');
    const run = await api.ok<Run>('POST', pathOf(thread, name), body);
    expect(run).toMatchObject({ id: name, status: 'queued', thread_id: thread.id, instructions: 'Rhyme.' });
    expect(fieldsOf(run)).toEqual(FIELDS);
    expect(await api.poll(run)).toMatchObject({ id: name, status: 'completed' });
  });

  it('is answered as it stands when the same is asked again', async () => {
    const path = pathOf(await api.createThread('/say Hello.'), newName());
    const run = await api.poll(await api.ok<Run>('POST', path, body));
    const before = await runs();
    const { metadata, ...reordered } = body;
    expect(await api.ok('POST', path, { metadata, ...reordered })).toEqual(run);
    expect(await runs()).toBe(before);
  });

  it('is still that run after the server was started again', async () => {
    const first = await openStack({ temporal: 'none' });
    const client = dialectClient(first, '/minds');
    const path = pathOf(await client.createThread('/say Hello.'), newName());
    const run = await client.ok('POST', path, body);
    await first.close({ keep: true });
    const second = await openStack({ temporal: 'none', dataDir: first.config.dataDir });
    expect(await dialectClient(second, '/minds').ok('POST', path, body)).toEqual(run);
    expect(await second.journal.db.selectFrom('runs').select('id').execute()).toHaveLength(1);
    await second.close();
    rmSync(first.config.dataDir, { recursive: true });
  });

  it('is one run when it is asked for ten times at once', async () => {
    const path = pathOf(await api.createThread('/say Hello.'), newName());
    const before = await runs();
    const answers = await Promise.all(Array.from({ length: 10 }, () => api.call('POST', path, body)));
    expect(answers.map((it) => it.status)).toEqual(Array(10).fill(200));
    expect(new Set(answers.map((it) => (it.body as Run).id)).size).toBe(1);
    expect(await runs()).toBe(before + 1);
  });

  it('is one run when ten ask for ten different ones at once; nine are told', async () => {
    const path = pathOf(await api.createThread('/say Hello.'), newName());
    const before = await runs();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => api.call('POST', path, { ...body, metadata: { a: `${i}` } })),
    );
    expect(answers.map((it) => it.status).sort()).toEqual([200, ...Array(9).fill(409)]);
    expect(await runs()).toBe(before + 1);
  });

  it('is refused with another body: a 409 that no SDK repeats', async () => {
    const name = newName();
    const path = pathOf(await api.createThread('/say Hello.'), name);
    await api.ok('POST', path, body);
    const { status, body: answer, headers } = await api.call('POST', path, { ...body, instructions: 'Do not.' });
    expect([status, headers.get('x-should-retry')]).toEqual([409, 'false']);
    expect(answer).toEqual({
      error: {
        message: `There is another run with the id ${name}: it was asked for with another body, or on another thread.`,
        type: 'invalid_request_error',
        param: null,
        code: null,
      },
    });
  });

  it('is refused on another thread, and under a name that the server gave', async () => {
    const name = newName();
    await api.ok('POST', pathOf(await api.createThread('/say Hello.'), name), body);
    expect((await api.refused('POST', pathOf(await api.createThread('x'), name), body)).status).toBe(409);
    const run = await api.poll(await api.createRun(await api.createThread('/say Hello.'), body));
    expect((await api.refused('POST', runPath(run), body)).status).toBe(409);
  });

  it('is on a thread that is called by either of its ids', async () => {
    const response = await stack.send('POST', '/v1/threads', { body: {} });
    const ours = (await response.json()) as { id: string };
    const theirs = await api.ok<{ id: string }>('GET', `/threads/${ours.id}`);
    const name = newName();
    const run = await api.ok<Run>('POST', pathOf(ours, name), body);
    expect(await api.ok('POST', pathOf(theirs, name), body)).toMatchObject({ id: run.id, thread_id: theirs.id });
  });

  it('may have the name of a run of another organisation', async () => {
    const name = newName();
    const run = await api.ok<Run>('POST', pathOf(await api.createThread('/say Hello.'), name), body);
    const other = { key: stack.otherKey };
    const { body: thread } = await api.call('POST', '/threads', {}, other);
    const answer = await api.call('POST', pathOf(thread as { id: string }, name), { assistant_id: 'assistant' }, other);
    expect([answer.status, answer.body]).toMatchObject([200, { id: name, status: 'queued' }]);
    expect((answer.body as Run).thread_id).not.toBe(run.thread_id);
    expect((await api.call('GET', runPath(run), undefined, other)).status).toBe(404);
  });

  it('is streamed, and streamed from its beginning when it is asked for again', async () => {
    const path = pathOf(await api.createThread('/say Hello.'), newName());
    const first = await api.stream(path, body);
    expect(first[0]).toMatchObject({ event: 'thread.run.created' });
    expect(first.at(-1)).toMatchObject({ event: 'thread.run.completed' });
    expect(await api.stream(path, body)).toEqual(first);
    for (const run of runsIn(first)) expect(fieldsOf(run)).toEqual(FIELDS);
  });

  it('leaves its name free when it is refused', async () => {
    const thread = await api.createThread('/think ms=30000');
    const active = await api.createRun(thread);
    const path = pathOf(thread, newName());
    expect((await api.refused('POST', path, body)).message).toBe(
      `Thread ${thread.id} already has an active run ${active.id}.`,
    );
    await api.cancel(active);
    await api.poll(active);
    expect((await api.ok<Run>('POST', path, body)).status).toBe('queued');
  });

  it.each(['run_1', 'mdb_run_', `mdb_run_${'0'.repeat(31)}`, `mdb_run_${'g'.repeat(32)}`, `mdb_run_${'A'.repeat(32)}`])(
    'is refused under the name %s',
    async (name) => {
      const refused = await api.refused('POST', pathOf(await api.createThread('x'), name), body);
      expect(refused).toMatchObject({ status: 400, param: 'run_id', code: 'invalid_value' });
    },
  );

  it('needs its assistant, and a thread that is there', async () => {
    const thread = await api.createThread('x');
    expect(await api.refused('POST', pathOf(thread, newName()), {})).toMatchObject({
      status: 400,
      param: 'assistant_id',
      code: 'missing_required_parameter',
    });
    expect(await api.refused('POST', pathOf(thread, newName()), { assistant_id: 'nobody' })).toMatchObject({
      status: 404,
      message: "No assistant found with id 'nobody'.",
    });
    const unknown = { ...thread, id: `mdb_thread_${'0'.repeat(32)}` };
    expect((await api.refused('POST', pathOf(unknown, newName()), body)).message).toBe(
      `No thread found with id '${unknown.id}'.`,
    );
  });
});

describe('wrong input', () => {
  const run = (more: object) => ({ assistant_id: 'assistant', ...more });
  it.each<[string, unknown, string, string]>([
    ['no body', undefined, 'assistant_id', 'missing_required_parameter'],
    ['an unknown field', run({ colour: 'red' }), 'colour', 'unknown_parameter'],
    ['an unknown model', run({ model: 'gpt-9' }), 'model', 'model_not_found'],
    ['a number for instructions', run({ instructions: 7 }), 'instructions', 'invalid_type'],
    ['a text for tools', run({ tools: 'all' }), 'tools', 'invalid_type'],
    ['a tool that is not built', run({ tools: [{ type: 'file_search' }] }), 'tools[0].type', 'invalid_value'],
    ['a number for the assistant', { assistant_id: 7 }, 'assistant_id', 'invalid_type'],
  ])('%s is refused, whether the run is named or not', async (_what, body, param, code) => {
    const path = `/threads/${(await api.createThread('x')).id}/runs`;
    const refused = { status: 400, type: 'invalid_request_error', param, code };
    expect(await api.refused('POST', path, body)).toMatchObject(refused);
    expect(await api.refused('POST', `${path}/${newName()}`, body)).toMatchObject(refused);
  });

  it('that is no object, or not JSON, is refused', async () => {
    const path = `/threads/${(await api.createThread('x')).id}/runs`;
    expect(await api.refused('POST', path, [])).toMatchObject({ status: 400, code: 'invalid_type' });
    const response = await stack.app.request(`/minds${path}`, {
      method: 'POST',
      body: '{',
      headers: { authorization: `Bearer ${stack.key}` },
    });
    expect([response.status, await response.json()]).toMatchObject([400, { error: { type: 'invalid_request_error' } }]);
  });

  it.each([
    ['GET', ''],
    ['GET', '/v1/threads'],
    ['GET', '/nothing'],
    ['DELETE', '/threads/mdb_thread_x/runs/mdb_run_x'],
  ] as const)('%s %s is not known, in OpenAI’s form', async (method, path) => {
    const refused = await api.refused(method, path);
    expect(refused).toMatchObject({ status: 404, type: 'invalid_request_error', param: null, code: null });
  });

  it('without a key is refused in OpenAI’s form', async () => {
    const response = await stack.app.request('/minds/threads', { method: 'POST' });
    expect([response.status, await response.json()]).toMatchObject([401, { error: { type: 'invalid_request_error' } }]);
  });
});

const runsIn = (frames: Frame[]) => frames.map(({ data }) => data).filter((data) => data.object === 'thread.run');
