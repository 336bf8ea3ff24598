/** Runs that their caller names: made once, however often they are asked for. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DialectClient, dialectClient, type Run, runPath } from '../dialects/client.ts';
import { openStack, type Stack } from '../support/stack.ts';
import { FIELDS, fieldsOf, newName, runsIn } from './run-fields.ts';

let stack: Stack;
let api: DialectClient;
beforeAll(async () => {
  stack = await openStack();
  api = dialectClient(stack, '/minds');
});
afterAll(async () => {
  await stack.close();
});

const runs = async () => (await stack.journal.db.selectFrom('runs').select('id').execute()).length;

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
