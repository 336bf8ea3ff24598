/** Runs as UmamiAI writes them: twenty-four fields, a bare array, and an update that answers the run. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  callsOf,
  type DialectClient,
  dialectClient,
  outputOf,
  type Run,
  runPath,
  STATUSES,
  weatherTool,
} from '../dialects/client.ts';
import { eventsToEnd, story } from '../support/events.ts';
import { answer, cancel, detailsOf, waitingOf } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';

const EXPIRES_AFTER_S = 600;

const FIELDS = [
  ...['id', 'assistant_id', 'cancelled_at', 'completed_at', 'created_at', 'expires_at', 'failed_at'],
  ...['incomplete_details', 'instructions', 'last_error', 'max_completion_tokens', 'max_prompt_tokens', 'model'],
  ...['object', 'parallel_tool_calls', 'required_action', 'started_at', 'status', 'thread_id', 'tools'],
  ...['truncation_strategy', 'usage', 'temperature', 'top_p'],
].sort();
const fieldsOf = (run: object) => Object.keys(run).sort();

let stack: Stack;
let api: DialectClient;
beforeAll(async () => {
  stack = await openStack({ file: { openai: { expires_after_s: EXPIRES_AFTER_S } } });
  api = dialectClient(stack, '/umami/v1');
});
afterAll(async () => {
  await stack.close();
});

describe('a run', () => {
  it('is answered as it was accepted, every field with its value', async () => {
    const thread = await api.createThread('/think ms=30000');
    const run = await api.createRun(thread, { instructions: 'Rhyme.', metadata: { a: '1' } });
    expect(run).toEqual({
      id: expect.stringMatching(/^run_/),
      object: 'thread.run',
      thread_id: thread.id,
      assistant_id: 'assistant',
      status: 'queued',
      created_at: expect.any(Number),
      expires_at: Number(run.created_at) + EXPIRES_AFTER_S,
      started_at: null,
      completed_at: null,
      failed_at: null,
      cancelled_at: null,
      required_action: null,
      last_error: null,
      incomplete_details: null,
      model: 'demo',
      instructions: 'Rhyme.',
      tools: [],
      max_prompt_tokens: null,
      max_completion_tokens: null,
      truncation_strategy: { type: 'auto', last_messages: null },
      parallel_tool_calls: true,
      usage: null,
      temperature: 1,
      top_p: 1,
    });
    await api.cancel(run);
  });

  it.each(STATUSES)('that is %s has exactly its twenty-four fields', async (status, script, body) => {
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

  it('has them in every frame of its streams', async () => {
    const thread = await api.createThread('/say Hm.\n/tool get_weather');
    const path = `/threads/${thread.id}/runs`;
    const asked = await api.stream(path, { assistant_id: 'assistant', tools: [weatherTool] });
    const waiting = asked.at(-1)?.data as Run;
    const answered = await api.stream(`${runPath(waiting)}/submit_tool_outputs`, outputOf(waiting, 'sun'));
    const runs = [...asked, ...answered].filter(({ data }) => data.object === 'thread.run');
    expect(runs.map(({ event }) => event)).toEqual(
      ['created', 'queued', 'in_progress', 'requires_action', 'queued', 'in_progress', 'completed'].map(
        (status) => `thread.run.${status}`,
      ),
    );
    for (const { data } of runs) expect(fieldsOf(data)).toEqual(FIELDS);
    expect(answered.at(-1)?.data).toEqual(await api.getRun(waiting));
  });
});

describe('a run that takes too long', () => {
  it('is expired, with its twenty-four fields', async () => {
    const short = await openStack({ file: { openai: { expires_after_s: 1 } } });
    const client = dialectClient(short, '/umami/v1');
    const run = await client.createRun(await client.createThread('/think ms=30000'));
    const seen = await client.poll(run);
    expect([seen.status, seen.expires_at, fieldsOf(seen)]).toEqual(['expired', run.expires_at, FIELDS]);
    await short.close();
  });
});

describe('an update', () => {
  it('keeps metadata, shows none, and answers the run', async () => {
    const run = await api.poll(await api.createRun(await api.createThread('/say Hello.')));
    const updated = await api.ok('POST', runPath(run), { metadata: { team: 'a' } });
    expect(updated).toEqual(run);
    expect((await detailsOf(stack, run.id)).metadata).toEqual({ team: 'a' });
  });

  it('of nothing changes nothing, whether the body is empty or absent', async () => {
    const made = await api.createRun(await api.createThread('/say Hello.'), { metadata: { team: 'a' } });
    const run = await api.poll(made);
    expect(await api.ok('POST', runPath(run), {})).toEqual(run);
    expect(await api.ok('POST', runPath(run))).toEqual(run);
    expect((await detailsOf(stack, run.id)).metadata).toEqual({ team: 'a' });
  });

  it('of anything else is refused', async () => {
    const run = await api.createRun(await api.createThread('/say Hello.'));
    const refused = await api.refused('POST', runPath(run), { status: 'completed' });
    expect(refused).toMatchObject({ status: 400, param: 'status', code: 'unknown_parameter' });
    expect(await api.refused('POST', runPath(run), { metadata: { a: 1 } })).toMatchObject({
      status: 400,
      param: 'metadata.a',
      code: 'invalid_type',
    });
  });
});

describe('the runs of a thread', () => {
  let thread: { id: string };
  let ids: string[];
  const list = async (query = '') => {
    const { body, headers } = await api.call('GET', `/threads/${thread.id}/runs${query}`);
    return { ids: (body as Run[]).map((run) => run.id), link: headers.get('link'), runs: body as Run[] };
  };

  beforeAll(async () => {
    thread = await api.createThread();
    ids = [];
    for (let i = 0; i < 3; i++) {
      await api.ok('POST', `/threads/${thread.id}/messages`, { role: 'user', content: '/say Hello.' });
      ids.unshift((await api.poll(await api.createRun(thread))).id);
    }
  });

  it('are a bare array, newest first', async () => {
    const { runs, link } = await list();
    expect(runs.map((run) => run.id)).toEqual(ids);
    for (const run of runs) expect(run).toEqual(await api.getRun(run));
    expect(link).toBeNull();
  });

  it('are none of a thread without any', async () => {
    expect(await api.ok('GET', `/threads/${(await api.createThread()).id}/runs`)).toEqual([]);
  });

  it('are read page by page, a Link leading on', async () => {
    const first = await list('?limit=2');
    expect(first.ids).toEqual(ids.slice(0, 2));
    expect(first.link).toBe(`</umami/v1/threads/${thread.id}/runs?limit=2&after=${ids[1]}>; rel="next"`);
    const rest = await list(`?limit=2&after=${ids[1]}`);
    expect([rest.ids, rest.link]).toEqual([ids.slice(2), null]);
  });

  it('are read in either order, and up to a run', async () => {
    expect((await list('?order=asc')).ids).toEqual(ids.toReversed());
    const upTo = await list(`?before=${ids[2]}&limit=1`);
    expect([upTo.ids, upTo.link]).toEqual([[ids[1]], null]);
    expect((await list(`?after=${ids[0]}&before=${ids[2]}`)).ids).toEqual([ids[1]]);
  });

  it.each([
    ['limit=0', 'limit', 'invalid_value'],
    ['limit=101', 'limit', 'invalid_value'],
    ['order=up', 'order', 'invalid_value'],
    ['after=run_x', 'after', 'invalid_value'],
    ['colour=red', 'colour', 'unknown_parameter'],
  ])('are refused for ?%s', async (query, param, code) => {
    const path = `/threads/${thread.id}/runs?${query}`;
    expect(await api.refused('GET', path)).toMatchObject({ status: 400, param, code });
  });
});

describe('runs of this dialect and of the native one', () => {
  it('are the same: made here, watched, answered and cancelled there', async () => {
    const run = await api.createRun(await api.createThread('/ask Which?\n/think ms=30000'));
    await waitingOf(stack, run.id);
    const waiting = await api.poll(run);
    expect(callsOf(waiting)[0]?.function.name).toBe('ask_user');
    expect((await answer(stack, run.id, 'blue')).status).toBe(200);
    await api.poll(run, ['queued', 'requires_action']);
    expect((await cancel(stack, run.id)).status).toBe(200);
    expect(story(await eventsToEnd(stack, run.id)).at(-1)).toBe('run.cancelled');
    expect((await api.getRun(run)).status).toBe('cancelled');
  });

  it('are the same: made there, answered and read here', async () => {
    const response = await stack.send('POST', '/v1/runs', { body: { input: '/ask Which?' } });
    const { run_id: id, thread_id } = (await response.json()) as { run_id: string; thread_id: string };
    const waiting = await api.poll({ id, thread_id });
    expect(waiting.expires_at).toBeNull();
    const path = `${runPath(waiting)}/submit_tool_outputs`;
    expect(fieldsOf(await api.ok('POST', path, outputOf(waiting, 'blue')))).toEqual(FIELDS);
    expect((await api.poll(waiting)).status).toBe('completed');
    const events = await eventsToEnd(stack, id);
    expect(events.at(-1)).toMatchObject({ type: 'run.completed', data: { output: 'Done. ask_user said "blue"' } });
  });
});
