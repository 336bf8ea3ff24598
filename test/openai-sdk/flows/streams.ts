/** Streams with the SDK's helpers: what its handlers hear, what its snapshots hold, and what a dropped one leaves. */
import { expect } from 'vitest';
import type { Run, StreamEvent } from '../support/npm-sdk.ts';
import type { Flows } from '../support/suite.ts';
import { all, answersIn, begin, listed, ODD_TEXT, textOf, threadWith, told } from './dialogue.ts';

/** Event names with repeated deltas shown once. */
export const outline = (events: string[]) =>
  events.filter((event, i, all) => !(event.endsWith('.delta') && all[i - 1] === event));

const RUN_BEGINS = ['thread.run.created', 'thread.run.queued', 'thread.run.in_progress'];
const STEP_BEGINS = ['thread.run.step.created', 'thread.run.step.in_progress'];
const MESSAGE_BEGINS = ['thread.message.created', 'thread.message.in_progress'];

export const streamFlows: Flows = {
  async 'handlers hear a message grow, and its snapshots are what is listed'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/stream chunks=20 delay_ms=2');
    const heard: string[] = [];
    const events: StreamEvent[] = [];
    let text = '';
    const stream = sdk
      .stream(thread, { assistant_id })
      .on('runStepCreated', (step) => heard.push(`step ${step.type}`))
      .on('messageCreated', () => heard.push('message'))
      .on('textCreated', () => heard.push('text'))
      .on('textDelta', (delta, snapshot) => {
        text += delta.value ?? '';
        expect(snapshot.value).toBe(text);
      })
      .on('textDone', (content) => heard.push(`text done ${content.value.length}`))
      .on('messageDone', (message) => heard.push(`message ${message.status}`))
      .on('runStepDone', (step) => heard.push(`step ${step.status}`))
      .on('event', (event) => events.push(event))
      .on('end', () => heard.push('end'));
    const run = await stream.finalRun();
    expect(run).toMatchObject({ status: 'completed', usage: { completion_tokens: 20 } });
    expect(heard).toEqual([
      ...['step message_creation', 'message', 'text', `text done ${text.length}`, 'message completed'],
      ...['step completed', 'end'],
    ]);
    expect(text.trim().split(' ')).toHaveLength(20);
    expect(await sdk.getRun(thread, run.id)).toEqual(run);
    const { steps, messages } = await listed(sdk, run);
    expect(told(events)).toEqual({ steps, messages });
    expect((await stream.finalMessages()).map((it) => [it.id, textOf(it)])).toEqual([[messages[0]?.id, text]]);
    expect((await stream.finalRunSteps()).map((it) => it.id)).toEqual([steps[0]?.id]);
  },

  async 'a raw stream says each thing once, in order'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/say Hello there');
    const events: StreamEvent[] = [];
    for await (const event of await sdk.streamRun(thread, { assistant_id })) events.push(event);
    expect(outline(events.map((it) => it.event))).toEqual([
      ...RUN_BEGINS,
      ...STEP_BEGINS,
      ...MESSAGE_BEGINS,
      ...['thread.message.delta', 'thread.message.completed', 'thread.run.step.completed', 'thread.run.completed'],
    ]);
    expect(events[0]?.data).toMatchObject({ object: 'thread.run', status: 'queued' });
  },

  async 'createAndRunStream begins with the thread'({ sdk }) {
    const events: StreamEvent[] = [];
    const stream = sdk
      .createAndRunStream({
        assistant_id: 'assistant',
        thread: { messages: [{ role: 'user', content: '/say Hello' }], metadata: { from: 'stream' } },
      })
      .on('event', (event) => events.push(event));
    const run = await stream.finalRun();
    expect(run.status).toBe('completed');
    expect(events.slice(0, 2).map((it) => it.event)).toEqual(['thread.created', 'thread.run.created']);
    expect(events[0]?.data).toEqual(await sdk.getThread(run.thread_id));
    expect(await answersIn(sdk, run.thread_id)).toEqual(['Hello']);
  },

  async 'a turn that is tried again voids its message, and only the whole one is listed'({ sdk }) {
    const { assistant_id, thread } = await begin(
      sdk,
      '/say Some words\n/fail status=503 retry_after=0.1\n/say and more',
    );
    const events: StreamEvent[] = [];
    const stream = sdk.stream(thread, { assistant_id }).on('event', (event) => events.push(event));
    const run = await stream.finalRun();
    expect(run.status).toBe('completed');
    expect(outline(events.map((it) => it.event))).toEqual([
      ...RUN_BEGINS,
      ...[...STEP_BEGINS, ...MESSAGE_BEGINS, 'thread.message.delta'],
      ...['thread.message.incomplete', 'thread.run.step.failed'],
      ...[...STEP_BEGINS, ...MESSAGE_BEGINS, 'thread.message.delta'],
      ...['thread.message.completed', 'thread.run.step.completed', 'thread.run.completed'],
    ]);
    const [voided, ...whole] = told(events).messages;
    expect(voided).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'run_failed' } });
    expect(await answersIn(sdk, thread)).toEqual(['Some words\nand more']);
    expect(await listed(sdk, run)).toEqual({ steps: told(events).steps, messages: whole });
  },

  async 'a client that goes away in mid-stream polls the run to its whole answer'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/stream chunks=60 delay_ms=40');
    const stream = sdk.stream(thread, { assistant_id });
    const id = await new Promise<string>((resolve, reject) => {
      stream.on('textDelta', () => resolve(stream.currentRun()?.id ?? '')).on('error', reject);
    });
    stream.abort();
    await expect(stream.finalRun()).rejects.toBeInstanceOf(sdk.errors.APIUserAbortError);
    expect((await sdk.getRun(thread, id)).status).toBe('in_progress');
    expect(await sdk.poll(thread, id)).toMatchObject({ status: 'completed', usage: { completion_tokens: 60 } });
    const [message] = await all(sdk.listMessages(thread, { run_id: id }));
    expect(message && textOf(message).trim().split(' ')).toHaveLength(60);
  },

  async 'a failed run ends its stream as failed'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/say Some words\n/fail status=400');
    const events: StreamEvent[] = [];
    const stream = sdk.stream(thread, { assistant_id }).on('event', (event) => events.push(event));
    const run = await stream.finalRun();
    expect(run).toMatchObject({ status: 'failed', last_error: { code: 'invalid_prompt' } });
    expect(events.slice(-3).map(({ event }) => event)).toEqual([
      ...['thread.message.incomplete', 'thread.run.step.failed', 'thread.run.failed'],
    ]);
    expect(await sdk.getRun(thread, run.id)).toEqual(run);
    expect(told(events)).toEqual(await listed(sdk, run));
  },

  async 'a run at its token limit ends its stream as incomplete'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/stream chunks=400 delay_ms=0');
    // Raw: the helper of major 4 does not know that `thread.run.incomplete` ends a stream.
    const events: StreamEvent[] = [];
    const stream = await sdk.streamRun(thread, { assistant_id, max_completion_tokens: 256 });
    for await (const event of stream) events.push(event);
    const last = events.at(-1);
    expect(last).toMatchObject({
      event: 'thread.run.incomplete',
      data: { status: 'incomplete', incomplete_details: { reason: 'max_completion_tokens' } },
    });
    const run = last?.data as Run;
    expect(await sdk.getRun(thread, run.id)).toEqual(run);
    expect(told(events)).toEqual(await listed(sdk, run));
  },

  async 'a stream that cannot begin is an error of the request'({ sdk }) {
    const { assistant_id } = await begin(sdk, 'Hello');
    const thread = (await threadWith(sdk, '/ask Which colour?')).id;
    await sdk.createAndPoll(thread, { assistant_id: 'assistant' });
    const stream = sdk.stream(thread, { assistant_id });
    await expect(stream.finalRun()).rejects.toMatchObject({
      message: expect.stringContaining('already has an active run'),
    });
  },

  async 'text arrives as it was said, whatever is in it'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, `/say ${ODD_TEXT}`);
    let text = '';
    const stream = sdk.stream(thread, { assistant_id }).on('textDelta', (delta) => {
      text += delta.value ?? '';
    });
    await stream.finalRun();
    expect(text).toBe(ODD_TEXT);
    expect(await answersIn(sdk, thread)).toEqual([ODD_TEXT]);
  },
};
