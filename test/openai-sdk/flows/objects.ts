/** Assistants, threads, messages and models: made, read, changed, listed, deleted. */
import { expect } from 'vitest';
import type { Flows } from '../support/suite.ts';
import { all, begin, ONE_CITY, outputsFor, textOf, threadWith, WEATHER } from './dialogue.ts';

const METADATA = { customer: '42', tier: 'gold' };

export const objectFlows: Flows = {
  async 'an assistant is created, read, changed, listed and deleted'({ sdk }) {
    const created = await sdk.createAssistant({
      ...{ model: 'gpt-4o', name: 'Weather', description: 'Knows the weather.', instructions: 'Be brief.' },
      ...{ tools: [WEATHER], metadata: METADATA, temperature: 0.5, top_p: 0.9, response_format: { type: 'text' } },
    });
    expect(created).toMatchObject({
      ...{ object: 'assistant', model: 'gpt-4o', name: 'Weather', description: 'Knows the weather.' },
      ...{ instructions: 'Be brief.', tools: [WEATHER], metadata: METADATA, temperature: 0.5, top_p: 0.9 },
    });
    expect(created.id).toMatch(/^asst_/);
    expect(created.created_at).toBeGreaterThan(Date.now() / 1_000 - 60);
    expect(await sdk.getAssistant(created.id)).toEqual(created);

    const changed = await sdk.updateAssistant(created.id, { name: 'Forecast', metadata: { tier: 'silver' } });
    expect(changed).toEqual({ ...created, name: 'Forecast', metadata: { tier: 'silver' } });
    expect(await sdk.getAssistant(created.id)).toEqual(changed);
    expect(await all(sdk.listAssistants({ limit: 100 }))).toContainEqual(changed);

    expect(await sdk.deleteAssistant(created.id)).toEqual({
      ...{ id: created.id, deleted: true, object: 'assistant.deleted' },
    });
    await expect(sdk.getAssistant(created.id)).rejects.toBeInstanceOf(sdk.errors.NotFoundError);
    expect((await all(sdk.listAssistants({ limit: 100 }))).map((it) => it.id)).not.toContain(created.id);
  },

  async 'what an assistant no longer has is taken from it by null'({ sdk }) {
    const created = await sdk.createAssistant({
      ...{ model: 'gpt-4o', name: 'Weather', description: 'Knows.', instructions: 'Be brief.', tools: [WEATHER] },
      ...{ temperature: 0.5, response_format: { type: 'json_object' }, metadata: METADATA },
    });
    const nothing = { name: null, description: null, instructions: null, temperature: null, response_format: null };
    expect(await sdk.updateAssistant(created.id, { ...nothing, tools: [], metadata: null })).toMatchObject({
      ...{ name: null, description: null, instructions: null, temperature: 1, response_format: 'auto' },
      ...{ tools: [], metadata: {}, model: 'gpt-4o', id: created.id, created_at: created.created_at },
    });
  },

  async 'a deleted assistant runs no more, and what it ran stays'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/say Hello');
    const run = await sdk.createAndPoll(thread, { assistant_id });
    await sdk.deleteAssistant(assistant_id);
    expect(await sdk.getRun(thread, run.id)).toEqual(run);
    await expect(sdk.createRun(thread, { assistant_id })).rejects.toBeInstanceOf(sdk.errors.NotFoundError);
  },

  async 'a configured persona is an assistant by its key'({ sdk }) {
    expect(await sdk.getAssistant('assistant')).toMatchObject({ id: 'assistant', object: 'assistant' });
    expect((await all(sdk.listAssistants({ limit: 100 }))).map((it) => it.id)).toContain('assistant');
  },

  async 'a run keeps the version of the assistant it began with'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, ONE_CITY);
    const waiting = await sdk.createAndPoll(thread, { assistant_id });
    await sdk.updateAssistant(assistant_id, { instructions: 'Be long.' });
    const done = await sdk.submitAndPoll(thread, waiting.id, outputsFor(waiting));
    expect(done).toMatchObject({ status: 'completed', instructions: 'Be brief.' });
    expect(await sdk.createAndPoll((await threadWith(sdk, 'Hello')).id, { assistant_id })).toMatchObject({
      ...{ status: 'completed', instructions: 'Be long.' },
    });
  },

  async 'a thread is created with messages, read, changed and deleted'({ sdk }) {
    const created = await sdk.createThread({
      messages: [
        { role: 'user', content: 'First', metadata: { n: '1' } },
        { role: 'assistant', content: 'Second' },
      ],
      metadata: METADATA,
    });
    expect(created).toMatchObject({ object: 'thread', metadata: METADATA });
    expect(created.id).toMatch(/^thread_/);
    expect(await sdk.getThread(created.id)).toEqual(created);
    const messages = await all(sdk.listMessages(created.id, { order: 'asc' }));
    expect(messages.map((it) => [it.role, textOf(it), it.metadata])).toEqual([
      ['user', 'First', { n: '1' }],
      ['assistant', 'Second', {}],
    ]);
    const changed = await sdk.updateThread(created.id, { metadata: { tier: 'silver' } });
    expect(changed).toEqual({ ...created, metadata: { tier: 'silver' } });
    expect(await sdk.getThread(created.id)).toEqual(changed);
    expect(await sdk.deleteThread(created.id)).toEqual({ id: created.id, deleted: true, object: 'thread.deleted' });
    await expect(sdk.getThread(created.id)).rejects.toBeInstanceOf(sdk.errors.NotFoundError);
  },

  async 'a message with text and an image address is created, read, changed and deleted'({ sdk }) {
    const thread = (await sdk.createThread({})).id;
    const created = await sdk.createMessage(thread, {
      role: 'user',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url: 'https://images.example/cat.png', detail: 'low' } },
      ],
      metadata: METADATA,
    });
    expect(created).toMatchObject({
      ...{ object: 'thread.message', thread_id: thread, role: 'user', metadata: METADATA },
      ...{ run_id: null, assistant_id: null },
      content: [
        { type: 'text', text: { value: 'What is this?', annotations: [] } },
        { type: 'image_url', image_url: { url: 'https://images.example/cat.png', detail: 'low' } },
      ],
    });
    expect(created.id).toMatch(/^msg_/);
    expect(await sdk.getMessage(thread, created.id)).toEqual(created);
    const changed = await sdk.updateMessage(thread, created.id, { tier: 'silver' });
    expect(changed).toEqual({ ...created, metadata: { tier: 'silver' } });
    expect(await sdk.getMessage(thread, created.id)).toEqual(changed);
    expect(await sdk.deleteMessage(thread, created.id)).toEqual({
      ...{ id: created.id, deleted: true, object: 'thread.message.deleted' },
    });
    expect(await all(sdk.listMessages(thread, {}))).toEqual([]);
    await expect(sdk.getMessage(thread, created.id)).rejects.toBeInstanceOf(sdk.errors.NotFoundError);
  },

  async 'a deleted message is not what the model answers'({ sdk }) {
    const thread = (await threadWith(sdk, '/say The first')).id;
    const { id } = await sdk.createMessage(thread, { role: 'user', content: '/say The second' });
    await sdk.deleteMessage(thread, id);
    await sdk.createAndPoll(thread, { assistant_id: 'assistant' });
    expect((await all(sdk.listMessages(thread, {}))).map(textOf)).toEqual(['The first', '/say The first']);
  },

  async 'pages of messages are walked in both orders, and from either side of a message'({ sdk, requests }) {
    const texts = Array.from({ length: 25 }, (_, i) => `message ${i}`);
    const thread = await sdk.createThread({ messages: texts.map((content) => ({ role: 'user', content })) });
    const read = async (query: object) => (await all(sdk.listMessages(thread.id, query))).map(textOf);
    const listed = () => requests().filter((it) => it.operation === 'listMessages').length;
    expect(await read({ limit: 10, order: 'asc' })).toEqual(texts);
    expect(listed()).toBe(3);
    expect(await read({ limit: 10, order: 'desc' })).toEqual(texts.toReversed());
    expect(await read({ limit: 25 })).toEqual(texts.toReversed());
    expect(listed()).toBe(7);

    const first = await sdk.listMessages(thread.id, {});
    expect(first.data).toHaveLength(20);
    expect(first.has_more).toBe(true);
    const middle = first.data[10]?.id ?? '';
    const ids = (page: { data: { id: string }[] }) => page.data.map((it) => it.id);
    const before = await sdk.listMessages(thread.id, { before: middle });
    expect(ids(before)).toEqual(ids(first).slice(0, 10));
    const after = await sdk.listMessages(thread.id, { after: middle, limit: 3 });
    expect(ids(after)).toEqual(ids(first).slice(11, 14));
    const oldestFirst = await sdk.listMessages(thread.id, { after: middle, order: 'asc', limit: 100 });
    expect(ids(oldestFirst)).toEqual(ids(first).slice(0, 10).toReversed());
  },

  async 'what is listed may be deleted page after page'({ sdk }) {
    const messages = Array.from({ length: 25 }, (_, i) => ({ role: 'user' as const, content: `message ${i}` }));
    const thread = (await sdk.createThread({ messages })).id;
    for await (const { id } of sdk.listMessages(thread, { limit: 10 })) await sdk.deleteMessage(thread, id);
    expect(await all(sdk.listMessages(thread, {}))).toEqual([]);
    const made = await Promise.all(Array.from({ length: 5 }, () => sdk.createAssistant({ model: 'gpt-4o' })));
    const ids = new Set(made.map((it) => it.id));
    for await (const { id } of sdk.listAssistants({ limit: 2 })) if (ids.has(id)) await sdk.deleteAssistant(id);
    expect((await all(sdk.listAssistants({ limit: 100 }))).filter(({ id }) => ids.has(id))).toEqual([]);
  },

  async 'pages of assistants are walked in both orders'({ sdk }) {
    const names = ['one', 'two', 'three'];
    const made: string[] = [];
    for (const name of names) made.push((await sdk.createAssistant({ model: 'gpt-4o', name })).id);
    const mine = async (order: 'asc' | 'desc') =>
      (await all(sdk.listAssistants({ order, limit: 2 }))).map((it) => it.id).filter((id) => made.includes(id));
    expect(await mine('asc')).toEqual(made);
    expect(await mine('desc')).toEqual(made.toReversed());
  },

  async 'models are the routes by every name'({ sdk }) {
    const models = await all(await sdk.models());
    expect(models.map((it) => it.id)).toEqual(expect.arrayContaining(['demo', 'gpt-4o', 'impatient']));
    expect(models.every((it) => it.object === 'model')).toBe(true);
  },
};
