/** Assistants, threads and messages: made, read, listed, changed, deleted. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStack, type Stack } from '../support/stack.ts';
import {
  type Assistant,
  type List,
  type Message,
  type OpenAiClient,
  openAiClient,
  type Thread,
  textOfMessage,
  weatherTool,
} from './client.ts';

let stack: Stack;
let api: OpenAiClient;
beforeAll(async () => {
  stack = await openStack({ worker: false, routes: [{ id: 'demo', provider: 'demo', aliases: ['gpt-4o'] }] });
  api = openAiClient(stack);
});
afterAll(async () => {
  await stack.close();
});

describe('an assistant', () => {
  it('has every field it was given, and the original’s defaults for the others', async () => {
    const plain = await api.createAssistant();
    expect(plain).toMatchObject({
      object: 'assistant',
      model: 'demo',
      name: null,
      description: null,
      instructions: null,
      tools: [],
      tool_resources: {},
      metadata: {},
      temperature: 1,
      top_p: 1,
      response_format: 'auto',
    });
    expect(plain.id).toMatch(/^asst_/);
    const body = {
      model: 'gpt-4o',
      name: 'Ann',
      description: 'Helps.',
      instructions: 'Be brief.',
      tools: [weatherTool()],
      metadata: { team: 'a' },
      temperature: 0.1,
      top_p: 0.5,
      response_format: { type: 'json_object' },
    };
    const full = await api.createAssistant(body);
    expect(full).toMatchObject(body);
    expect(await api.ok('GET', `/assistants/${full.id}`)).toEqual(full);
  });

  it('keeps what an update does not name, loses what it sets to null, and its time of creation stays', async () => {
    const made = await api.createAssistant({ name: 'Ann', description: 'x', temperature: 0.1, metadata: { a: '1' } });
    const update = (body: Record<string, unknown>) => api.ok<Assistant>('POST', `/assistants/${made.id}`, body);
    expect(await update({ top_p: 0.2, instructions: 'New.' })).toEqual({ ...made, top_p: 0.2, instructions: 'New.' });
    const less = { name: null, description: null, temperature: null, metadata: null };
    expect(await update(less)).toMatchObject({
      name: null,
      description: null,
      temperature: 1,
      top_p: 0.2,
      metadata: {},
    });
    expect(await update({ tools: [weatherTool()] })).toMatchObject({ tools: [weatherTool()], instructions: 'New.' });
    const versions = await stack.send('GET', `/v1/personas/${made.id}`);
    expect(((await versions.json()) as { version: number }).version).toBe(4);
  });

  it('that two clients change at once has what both said', async () => {
    const made = await api.createAssistant();
    await Promise.all([
      api.ok('POST', `/assistants/${made.id}`, { temperature: 0.3 }),
      api.ok('POST', `/assistants/${made.id}`, { top_p: 0.4 }),
    ]);
    expect(await api.ok('GET', `/assistants/${made.id}`)).toMatchObject({ temperature: 0.3, top_p: 0.4 });
  });

  it('that is deleted is gone, also from lists, and cannot be run', async () => {
    const made = await api.createAssistant();
    expect(await api.ok('DELETE', `/assistants/${made.id}`)).toEqual({
      id: made.id,
      object: 'assistant.deleted',
      deleted: true,
    });
    const message = `No assistant found with id '${made.id}'.`;
    expect(await api.refused('GET', `/assistants/${made.id}`)).toMatchObject({ status: 404, message });
    expect(await api.refused('DELETE', `/assistants/${made.id}`)).toMatchObject({ status: 404, message });
    expect(await api.refused('POST', `/assistants/${made.id}`, { name: 'x' })).toMatchObject({ status: 404, message });
    const thread = await api.createThread('x');
    const run = { assistant_id: made.id };
    expect(await api.refused('POST', `/threads/${thread.id}/runs`, run)).toMatchObject({ status: 404, message });
    const { data } = await api.ok<List<Assistant>>('GET', '/assistants?limit=100');
    expect(data.map((it) => it.id)).not.toContain(made.id);
  });

  it('of the configuration is one by its key: read and changed here, but not deleted', async () => {
    const read = await api.ok<Assistant>('GET', '/assistants/assistant');
    expect(read).toMatchObject({ id: 'assistant', model: 'demo', instructions: 'You are helpful.', tools: [] });
    expect(await api.ok('POST', '/assistants/assistant', { name: 'Helper' })).toEqual({ ...read, name: 'Helper' });
    expect((await api.refused('DELETE', '/assistants/assistant')).status).toBe(400);
    expect(await api.ok('GET', '/assistants/assistant')).toMatchObject({ name: 'Helper' });
  });
});

describe('a thread', () => {
  it('is made empty or with messages, changed in its metadata alone, and deleted', async () => {
    expect(await api.ok('POST', '/threads')).toMatchObject({ object: 'thread', metadata: {}, tool_resources: {} });
    const made = await api.ok<Thread>('POST', '/threads', {
      metadata: { a: '1' },
      messages: [
        { role: 'user', content: 'one', metadata: { n: '1' } },
        { role: 'assistant', content: [{ type: 'text', text: 'two' }] },
      ],
    });
    expect((await api.messages(made)).map((it) => [it.role, textOfMessage(it), it.metadata])).toEqual([
      ['user', 'one', { n: '1' }],
      ['assistant', 'two', {}],
    ]);
    expect(await api.ok('POST', `/threads/${made.id}`, { metadata: { b: '2' } })).toEqual({
      ...made,
      metadata: { b: '2' },
    });
    expect(await api.ok('POST', `/threads/${made.id}`, {})).toEqual({ ...made, metadata: { b: '2' } });
    await api.ok('DELETE', `/threads/${made.id}`);
    expect(await api.refused('GET', `/threads/${made.id}`)).toEqual({
      status: 404,
      type: 'invalid_request_error',
      code: null,
      param: null,
      message: `No thread found with id '${made.id}'.`,
    });
  });
});

describe('a message', () => {
  it('holds texts and images by their address', async () => {
    const thread = await api.createThread();
    const content = [
      { type: 'text', text: 'What is it?' },
      { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } },
    ];
    const message = await api.ok<Message>('POST', `/threads/${thread.id}/messages`, { role: 'user', content });
    expect(message).toMatchObject({
      object: 'thread.message',
      thread_id: thread.id,
      status: 'completed',
      role: 'user',
      assistant_id: null,
      run_id: null,
      attachments: [],
      content: [
        { type: 'text', text: { value: 'What is it?', annotations: [] } },
        { type: 'image_url', image_url: { url: 'https://example.com/cat.png', detail: 'auto' } },
      ],
    });
    expect(await api.ok('GET', `/threads/${thread.id}/messages/${message.id}`)).toEqual(message);
  });

  it('has metadata that can be replaced, and goes when it is deleted', async () => {
    const thread = await api.createThread('one', 'two');
    const [first] = await api.messages(thread);
    const path = `/threads/${thread.id}/messages/${first?.id}`;
    expect(await api.ok('POST', path, { metadata: { seen: 'yes' } })).toEqual({ ...first, metadata: { seen: 'yes' } });
    expect(await api.ok('DELETE', path)).toEqual({ id: first?.id, object: 'thread.message.deleted', deleted: true });
    expect((await api.messages(thread)).map(textOfMessage)).toEqual(['two']);
    const gone = { status: 404, message: `No message found with id '${first?.id}'.` };
    expect(await api.refused('GET', path)).toMatchObject(gone);
    expect(await api.refused('POST', path, { metadata: {} })).toMatchObject(gone);
    expect(await api.refused('DELETE', path)).toMatchObject(gone);
  });

  it('is not deleted while a run is active: its model would do again what it no longer saw', async () => {
    const thread = await api.createThread('/ask Which?');
    const { id } = await api.createAssistant();
    const run = await api.createRun(thread, { assistant_id: id });
    const [message] = await api.messages(thread);
    const path = `/threads/${thread.id}/messages/${message?.id}`;
    const busy = `Can't delete messages from ${thread.id} while a run ${run.id} is active.`;
    expect(await api.refused('DELETE', path)).toMatchObject({ status: 400, message: busy });
    await api.cancel(run);
    await api.poll(run);
    expect(await api.ok('DELETE', path)).toMatchObject({ deleted: true });
  });

  it('belongs to its thread alone', async () => {
    const thread = await api.createThread('one');
    const other = await api.createThread();
    const [message] = await api.messages(thread);
    expect((await api.refused('GET', `/threads/${other.id}/messages/${message?.id}`)).status).toBe(404);
    expect((await api.refused('GET', `/threads/${other.id}/messages?after=${message?.id}`)).status).toBe(400);
  });
});

describe('a list', () => {
  const ids = async (path: string) => {
    const { data, ...page } = await api.ok<List<Message>>('GET', path);
    return { names: data.map(textOfMessage), data, ...page };
  };

  it('is newest first, twenty at a time, and goes on from either end', async () => {
    const words = Array.from({ length: 25 }, (_, i) => `m${i}`);
    const thread = await api.createThread(...words);
    const path = `/threads/${thread.id}/messages`;
    const newest = words.toReversed();
    const first = await ids(path);
    expect(first).toMatchObject({ names: newest.slice(0, 20), has_more: true, object: 'list' });
    expect([first.first_id, first.last_id]).toEqual([first.data[0]?.id, first.data.at(-1)?.id]);
    expect(await ids(`${path}?after=${first.last_id}`)).toMatchObject({ names: newest.slice(20), has_more: false });
    const up = await ids(`${path}?order=asc&limit=10`);
    expect(up.names).toEqual(words.slice(0, 10));
    const middle = await ids(`${path}?order=asc&limit=10&after=${up.last_id}`);
    expect(middle.names).toEqual(words.slice(10, 20));
    expect(await ids(`${path}?order=asc&limit=4&before=${middle.first_id}`)).toMatchObject({
      names: words.slice(6, 10),
      has_more: true,
    });
    const between = `${path}?order=asc&after=${up.first_id}&before=${up.last_id}`;
    expect((await ids(between)).names).toEqual(words.slice(1, 9));
  });

  it('goes on for a reader that deletes what it reads', async () => {
    const words = Array.from({ length: 25 }, (_, i) => `m${i}`);
    const thread = await api.createThread(...words);
    let after = '';
    for (let deleted = 0; deleted < 25; ) {
      const page = await ids(`/threads/${thread.id}/messages?limit=10${after}`);
      expect(page.names.length).toBeGreaterThan(0);
      for (const { id } of page.data) await api.ok('DELETE', `/threads/${thread.id}/messages/${id}`);
      deleted += page.data.length;
      after = `&after=${page.last_id}`;
    }
    expect(await api.messages(thread)).toEqual([]);
    const made = [await api.createAssistant(), await api.createAssistant(), await api.createAssistant()];
    const [oldest, middle, newest] = made.map((it) => it.id);
    await api.ok('DELETE', `/assistants/${newest}`);
    const rest = await api.ok<List<Assistant>>('GET', `/assistants?limit=2&after=${newest}`);
    expect(rest.data.map((it) => it.id)).toEqual([middle, oldest]);
  });

  it('that is empty has empty ids, since the document allows no null', async () => {
    const thread = await api.createThread();
    expect(await api.ok('GET', `/threads/${thread.id}/messages`)).toEqual({
      object: 'list',
      data: [],
      first_id: '',
      last_id: '',
      has_more: false,
    });
  });

  it('of assistants is in the order in which they were made, whatever was changed since', async () => {
    const made = [await api.createAssistant(), await api.createAssistant(), await api.createAssistant()];
    await api.ok('POST', `/assistants/${made[0]?.id}`, { name: 'changed' });
    const list = (query: string) => api.ok<List<Assistant>>('GET', `/assistants?${query}`);
    const newest = made.map((it) => it.id).toReversed();
    expect((await list('limit=3')).data.map((it) => it.id)).toEqual(newest);
    const [one, two, three] = newest;
    expect((await list(`limit=2&after=${one}`)).data.map((it) => it.id)).toEqual([two, three]);
    expect((await list(`order=asc&after=${three}&limit=5`)).data.map((it) => it.id)).toEqual([two, one]);
    expect((await list(`limit=1&before=${three}`)).data.map((it) => it.id)).toEqual([two]);
  });
});

it('models are every name by which a route is asked for', async () => {
  const { data } = await api.ok<{ data: { id: string; object: string }[] }>('GET', '/models');
  expect(data.map((it) => it.id)).toEqual(['demo', 'gpt-4o']);
});
