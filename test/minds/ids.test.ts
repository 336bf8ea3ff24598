/** The ids of Minds: one for each thread, run and assistant, whichever dialect made it, for as long as it is there. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DialectClient, dialectClient, type Method, type Run, runPath } from '../dialects/client.ts';
import { eventsToEnd } from '../support/events.ts';
import { cancel, detailsOf } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { idOf } from './run-fields.ts';

const ID = /^mdb_(run|thread|asst)_[0-9a-f]{32}$/;
const NONE = '0'.repeat(32);

let stack: Stack;
let api: DialectClient;
beforeAll(async () => {
  stack = await openStack();
  api = dialectClient(stack, '/minds');
});
afterAll(async () => {
  await stack.close();
});

/** A run that the native API made, in our own ids. */
async function nativeRun(input: string): Promise<{ id: string; thread_id: string }> {
  const response = await stack.send('POST', '/v1/runs', { body: { input } });
  const { run_id: id, thread_id } = (await response.json()) as { run_id: string; thread_id: string };
  return { id, thread_id };
}

describe('what is made here', () => {
  it('has ids of Minds in every answer, and the same in each', async () => {
    const assistant = await api.createAssistant({ name: 'Sage' });
    const thread = await api.createThread('/say Hello.');
    const run = await api.createRun(thread, { assistant_id: assistant.id });
    for (const id of [assistant.id, thread.id, run.id]) expect(id).toMatch(ID);
    const ids = { id: run.id, thread_id: thread.id, assistant_id: assistant.id };
    expect(run).toMatchObject(ids);
    expect(await api.poll(run)).toMatchObject(ids);
    const messages = `/threads/${thread.id}/messages`;
    expect(await api.ok('GET', `${messages}?order=asc`)).toMatchObject({
      data: [
        { role: 'user', thread_id: thread.id, run_id: null, assistant_id: null },
        { role: 'assistant', thread_id: thread.id, run_id: run.id, assistant_id: assistant.id },
      ],
    });
    expect(await api.ok('GET', `${messages}?run_id=${run.id}`)).toMatchObject({ data: [{ run_id: run.id }] });
    const step = { thread_id: thread.id, run_id: run.id, assistant_id: assistant.id };
    const steps = await api.ok<{ data: { id: string }[] }>('GET', `${runPath(run)}/steps`);
    expect(steps.data).toMatchObject([step]);
    expect(await api.ok('GET', `${runPath(run)}/steps/${steps.data[0]?.id}`)).toEqual(steps.data[0]);
    expect(await api.ok('POST', `/threads/${thread.id}`, { metadata: { a: '1' } })).toMatchObject({ id: thread.id });
    expect(await api.ok('GET', `/threads/${thread.id}`)).toMatchObject({ id: thread.id, metadata: { a: '1' } });
    expect(await api.ok('GET', '/models')).toMatchObject({ data: [{ id: 'demo' }] });
    expect(await api.ok('GET', `/threads/${thread.id}/runs`)).toMatchObject({
      data: [ids],
      first_id: run.id,
      last_id: run.id,
    });
    expect(await api.ok('GET', '/assistants?limit=1')).toMatchObject({ data: [{ id: assistant.id, name: 'Sage' }] });
  });

  it('is named in the journal by its own id, which alone names the workflow', async () => {
    const run = await api.createRun(await api.createThread('/say Hello.'));
    const id = await idOf(stack, 'run', run.id);
    expect(id).toMatch(/^run_[0-9a-z]{29}$/);
    expect((await detailsOf(stack, id)).temporal.workflow_id).toBe(id);
    expect((await detailsOf(stack, id)).thread_id).toBe(await idOf(stack, 'thread', run.thread_id));
  });

  it('shows no id of ours in its streams', async () => {
    const thread = await api.createThread('/say Hello.');
    const frames = await api.stream(`/threads/${thread.id}/runs`, { assistant_id: 'assistant' });
    const shown = JSON.stringify(frames);
    expect(shown).not.toMatch(/"(run|thread)_[0-9a-z]{29}"/);
    expect(frames.at(-1)).toMatchObject({ event: 'thread.run.completed', data: { thread_id: thread.id } });
    expect(frames.at(-1)?.data).toEqual(await api.getRun(frames.at(-1)?.data as Run));
  });

  it('is a thread and its run in one', async () => {
    const thread = { messages: [{ role: 'user', content: '/say Hello.' }] };
    const frames = await api.stream('/threads/runs', { assistant_id: 'assistant', thread });
    const run = frames.at(-1)?.data as Run;
    expect(frames[0]).toMatchObject({ event: 'thread.created', data: { id: run.thread_id } });
    for (const id of [run.id, run.thread_id, run.assistant_id]) expect(id).toMatch(ID);
  });
});

describe('what another dialect made', () => {
  it('is reached by our id, shown under an id of Minds, and reached by that', async () => {
    const native = await nativeRun('/say Hello.');
    const shown = await api.poll(native);
    for (const id of [shown.id, shown.thread_id, shown.assistant_id]) expect(id).toMatch(ID);
    expect(await api.getRun(shown)).toEqual(shown);
    expect(await api.ok('GET', `/threads/${native.thread_id}`)).toMatchObject({ id: shown.thread_id });
    expect(await api.ok('GET', `/threads/${native.thread_id}/runs`)).toMatchObject({ data: [{ id: shown.id }] });
    expect(await idOf(stack, 'run', shown.id)).toBe(native.id);
  });

  it('is shown under one id, also when many see it first', async () => {
    const native = await nativeRun('/think ms=30000');
    const seen = await Promise.all(Array.from({ length: 10 }, () => api.getRun(native)));
    expect(new Set(seen.map((run) => `${run.id} ${run.thread_id}`)).size).toBe(1);
    await cancel(stack, native.id);
  });

  it('is a message too, in a thread of either', async () => {
    const native = await nativeRun('/say Hello.');
    await eventsToEnd(stack, native.id);
    const path = `/threads/${native.thread_id}/messages`;
    const message = await api.ok('POST', path, { role: 'user', content: 'Well?' });
    const { id: thread_id } = await api.ok('GET', `/threads/${native.thread_id}`);
    expect(message).toMatchObject({ thread_id, run_id: null });
    expect(await api.ok('GET', `${path}/${message.id}`)).toEqual(message);
    expect(await api.ok('POST', `${path}/${message.id}`, { metadata: { a: '1' } })).toMatchObject({ thread_id });
    expect(await api.ok('DELETE', `${path}/${message.id}`)).toMatchObject({ deleted: true });
  });
});

describe('an assistant', () => {
  it('is called by its id, its key or its name', async () => {
    const persona = { key: 'sage', display_name: 'The Sage' };
    expect((await stack.send('POST', '/v1/personas', { body: persona })).status).toBe(201);
    const { id } = await api.ok('GET', '/assistants/sage');
    expect(id).toMatch(ID);
    for (const assistant_id of [id, 'sage', 'The Sage']) {
      const run = await api.createRun(await api.createThread('/say Hello.'), { assistant_id });
      expect(run.assistant_id).toBe(id);
    }
  });

  it('whose name others have too is asked for by its id', async () => {
    const twins = await Promise.all([1, 2].map(() => api.createAssistant({ name: 'Twin' })));
    const thread = await api.createThread('/say Hello.');
    const refused = await api.refused('POST', `/threads/${thread.id}/runs`, { assistant_id: 'Twin' });
    expect(refused).toMatchObject({ status: 400, param: 'assistant_id', code: 'invalid_value' });
    expect(await api.createRun(thread, { assistant_id: twins[1]?.id })).toMatchObject({ assistant_id: twins[1]?.id });
  });

  it('that is configured is shown under an id of Minds, by its key as its name', async () => {
    const assistant = await api.ok('GET', '/assistants/assistant');
    expect(assistant).toMatchObject({ id: expect.stringMatching(ID), name: 'assistant' });
    expect(await api.refused('DELETE', `/assistants/${assistant.id}`)).toMatchObject({ status: 400 });
  });

  it('is changed and deleted by its id', async () => {
    const { id } = await api.createAssistant({ name: 'Old' });
    expect(await api.ok('POST', `/assistants/${id}`, { name: 'New' })).toMatchObject({ id, name: 'New' });
    expect(await api.ok('DELETE', `/assistants/${id}`)).toEqual({ id, object: 'assistant.deleted', deleted: true });
    expect(await api.refused('GET', `/assistants/${id}`)).toMatchObject({
      status: 404,
      message: `No assistant found with id '${id}'.`,
    });
  });
});

describe('a cursor', () => {
  it('is an id of Minds, and is called so when it is refused', async () => {
    const thread = await api.createThread('/say Hello.');
    const runs: Run[] = [];
    for (let i = 0; i < 3; i++) runs.unshift(await api.poll(await api.createRun(thread)));
    const [newest, middle, oldest] = runs.map((run) => run.id);
    const page = async (query: string) =>
      (await api.ok<{ data: Run[] }>('GET', `/threads/${thread.id}/runs?${query}`)).data.map((run) => run.id);
    expect(await page(`after=${newest}&limit=1`)).toEqual([middle]);
    expect(await page(`order=asc&before=${newest}`)).toEqual([oldest, middle]);
    const other = await api.createRun(await api.createThread('/say Hello.'));
    const refused = await api.refused('GET', `/threads/${thread.id}/runs?after=${other.id}`);
    expect(refused).toMatchObject({ status: 400, param: 'after', message: `Unknown cursor ${other.id}.` });
    const [first, second] = (await api.ok<{ data: { id: string }[] }>('GET', '/assistants')).data;
    expect(await api.ok('GET', `/assistants?after=${first?.id}&limit=1`)).toMatchObject({ data: [{ id: second?.id }] });
  });
});

describe('what is refused', () => {
  it('is told in the names that the client knows', async () => {
    const thread = await api.createThread('/think ms=30000');
    const run = await api.createRun(thread);
    const busy = `Thread ${thread.id} already has an active run ${run.id}.`;
    const refused = async (method: Method, path: string, body?: object) =>
      (await api.refused(method, path, body)).message;
    expect(await refused('POST', `/threads/${thread.id}/runs`, { assistant_id: 'assistant' })).toBe(busy);
    expect(await refused('POST', `/threads/${thread.id}/messages`, { role: 'user', content: 'x' })).toBe(
      `Can't add messages to ${thread.id} while a run ${run.id} is active.`,
    );
    expect(await refused('DELETE', `/threads/${thread.id}`)).toBe(
      `Can't delete ${thread.id} while a run ${run.id} is active.`,
    );
    await api.cancel(run);
  });

  it('is what is not there, by the id that was asked for', async () => {
    const thread = await api.createThread();
    expect(await api.refused('GET', `/threads/mdb_thread_${NONE}`)).toEqual({
      status: 404,
      message: `No thread found with id 'mdb_thread_${NONE}'.`,
      type: 'invalid_request_error',
      param: null,
      code: null,
    });
    const run = `/threads/${thread.id}/runs/mdb_run_${NONE}`;
    const message = `No run found with id 'mdb_run_${NONE}'.`;
    for (const [method, path] of [
      ['GET', run],
      ['POST', `${run}/cancel`],
      ['GET', `${run}/steps`],
    ] as const) {
      expect(await api.refused(method, path)).toMatchObject({ status: 404, message });
    }
    // An id of one kind names nothing of another.
    expect((await api.refused('GET', `/threads/${thread.id.replace('thread', 'run')}`)).status).toBe(404);
    expect((await api.refused('GET', `/threads/${thread.id}/runs/${thread.id}`)).status).toBe(404);
  });

  it('is all that is another organisation’s, under either id', async () => {
    const run = await api.createRun(await api.createThread('/say Hello.'));
    const ours = { id: await idOf(stack, 'run', run.id), thread_id: await idOf(stack, 'thread', run.thread_id) };
    const aliases = async () => (await stack.journal.db.selectFrom('aliases').select('alias').execute()).length;
    const before = await aliases();
    for (const { id, thread_id } of [run, ours]) {
      const message = `No thread found with id '${thread_id}'.`;
      const asked: [Method, string, object?][] = [
        ['GET', `/threads/${thread_id}`],
        ['GET', `/threads/${thread_id}/messages`],
        ['GET', `/threads/${thread_id}/runs`],
        ['POST', `/threads/${thread_id}/runs`, { assistant_id: 'assistant' }],
        ['POST', `/threads/${thread_id}/runs/mdb_run_${NONE}`, { assistant_id: 'assistant' }],
        ['GET', `/threads/${thread_id}/runs/${id}`],
        ['POST', `/threads/${thread_id}/runs/${id}/cancel`],
        ['DELETE', `/threads/${thread_id}`],
      ];
      for (const [method, path, body] of asked) {
        const refused = await api.refused(method, path, body, { key: stack.otherKey });
        expect([path, refused]).toMatchObject([path, { status: 404, message }]);
      }
    }
    // But for the persona of the other organisation itself, nothing was given a name.
    expect((await aliases()) - before).toBeLessThanOrEqual(1);
  });
});

describe('a deleted thread', () => {
  it('takes its ids and those of its runs along', async () => {
    const run = await api.poll(await api.createRun(await api.createThread('/say Hello.')));
    expect(await api.ok('DELETE', `/threads/${run.thread_id}`)).toEqual({
      id: run.thread_id,
      object: 'thread.deleted',
      deleted: true,
    });
    const left = await stack.journal.db
      .selectFrom('aliases')
      .select('alias')
      .where('alias', 'in', [run.id, run.thread_id])
      .execute();
    expect(left).toEqual([]);
    expect((await api.refused('GET', runPath(run))).status).toBe(404);
  });
});

describe('runs of Minds and of the native API', () => {
  it('are the same: made here, watched and cancelled there', async () => {
    const run = await api.createRun(await api.createThread('/think ms=30000'));
    const id = await idOf(stack, 'run', run.id);
    expect((await cancel(stack, id)).status).toBe(200);
    expect((await eventsToEnd(stack, id)).at(-1)?.type).toBe('run.cancelled');
    expect((await api.getRun(run)).status).toBe('cancelled');
  });

  it('are the same: made there, watched and cancelled here', async () => {
    const native = await nativeRun('/think ms=30000');
    const run = await api.poll(native, ['queued']);
    expect((await api.cancel(run)).status).toBe('cancelling');
    expect((await eventsToEnd(stack, native.id)).at(-1)?.type).toBe('run.cancelled');
    expect((await api.poll(run)).status).toBe('cancelled');
  });
});
