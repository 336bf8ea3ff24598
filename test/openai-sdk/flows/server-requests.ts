/** What Holdfast itself asks a person, shown to an OpenAI client as calls of functions. */
import { expect } from 'vitest';
import type { Run, Sdk, StreamEvent } from '../support/npm-sdk.ts';
import type { Flows } from '../support/suite.ts';
import { all, answersIn, callsAsked, callsOf, functionsOf, listed, outputsFor, threadWith, told } from './dialogue.ts';

/** A new thread with this message, run by a configured persona until it ends or asks. */
const ask = async (sdk: Sdk, text: string, assistant_id = 'assistant') =>
  sdk.createAndPoll((await threadWith(sdk, text)).id, { assistant_id });

const reply = (sdk: Sdk, run: Run, output: string) => sdk.submitAndPoll(run.thread_id, run.id, outputsFor(run, output));

export const serverRequestFlows: Flows = {
  async 'ask_user is a call of ask_user with its question'({ sdk }) {
    const waiting = await ask(sdk, '/ask Which colour?');
    expect(waiting.status).toBe('requires_action');
    expect(callsAsked(waiting)).toMatchObject([['ask_user', { question: 'Which colour?' }]]);
    expect(callsOf(waiting)[0]?.id).toMatch(/^call_/);
    expect(await reply(sdk, waiting, 'blue')).toMatchObject({ id: waiting.id, status: 'completed' });
    expect(await answersIn(sdk, waiting.thread_id)).toEqual(['Done. ask_user said "blue"']);
  },

  async 'ask_user is answered by stream'({ sdk }) {
    const thread = (await threadWith(sdk, '/say Well\n/ask Which colour?')).id;
    const waiting = await sdk.stream(thread, { assistant_id: 'assistant' }).finalRun();
    expect(callsAsked(waiting)).toMatchObject([['ask_user', { question: 'Which colour?' }]]);
    const submitted = sdk.submitStream(thread, waiting.id, outputsFor(waiting, 'blue'));
    expect((await submitted.finalRun()).status).toBe('completed');
    expect(await answersIn(sdk, thread)).toEqual(['Well', 'Done. ask_user said "blue"']);
  },

  async 'two questions at once are answered together'({ sdk }) {
    const waiting = await ask(sdk, '/parallel\n/tool ask_user {"question":"One?"}\n/tool ask_user {"question":"Two?"}');
    expect(callsAsked(waiting)).toMatchObject([
      ['ask_user', { question: 'One?' }],
      ['ask_user', { question: 'Two?' }],
    ]);
    expect((await reply(sdk, waiting, 'yes')).status).toBe('completed');
    expect(await answersIn(sdk, waiting.thread_id)).toEqual(['Done. ask_user said "yes"; ask_user said "yes"']);
  },

  async 'the tools of the server that a turn calls finish before the client is asked'({ sdk }) {
    const waiting = await ask(sdk, '/parallel\n/tool shop/slow {"ms":400}\n/tool ask_user {"question":"Well?"}');
    expect(callsAsked(waiting)).toMatchObject([['ask_user', { question: 'Well?' }]]);
    const steps = await all(sdk.listSteps(waiting.thread_id, waiting.id, {}));
    expect(steps.map((it) => it.type)).toEqual(['tool_calls']);
    expect(functionsOf(steps[0]).map((it) => [it?.name, it?.output])).toEqual([
      ['shop/slow', 'slow and done'],
      ['ask_user', null],
    ]);
    expect((await reply(sdk, waiting, 'well')).status).toBe('completed');
  },

  async 'a tool of the server runs without the client, as a step with its output'({ sdk }) {
    const run = await ask(sdk, '/tool shop/look {}');
    expect(run.status).toBe('completed');
    const [step] = await all(sdk.listSteps(run.thread_id, run.id, { order: 'asc' }));
    expect(step).toMatchObject({ type: 'tool_calls', status: 'completed' });
    expect(functionsOf(step)).toMatchObject([{ name: 'shop/look', output: 'seen' }]);
  },

  async 'approve_tool names the tool and its arguments; approved it runs, denied it does not'({ sdk }) {
    for (const [output, said] of [
      ['approve', 'returned noted rope'],
      ['deny: too much rope', 'too much rope'],
    ] as const) {
      const waiting = await ask(sdk, '/tool shop/note {"text":"rope"}');
      const [[name, asked] = []] = callsAsked(waiting);
      expect(name).toBe('approve_tool');
      expect(JSON.stringify(asked)).toContain('shop/note');
      expect(JSON.stringify(asked)).toContain('rope');
      expect((await reply(sdk, waiting, output)).status).toBe('completed');
      expect((await answersIn(sdk, waiting.thread_id)).at(-1)).toContain(said);
    }
  },

  async 'raise_budget stops a run at its limit, and raised it goes on'({ sdk }) {
    const waiting = await ask(sdk, '/tool shop/look {}', 'thrifty');
    expect(callsAsked(waiting)).toMatchObject([['raise_budget', expect.objectContaining({})]]);
    expect((await reply(sdk, waiting, 'raise')).status).toBe('completed');
    expect(await answersIn(sdk, waiting.thread_id)).toEqual(['Done. shop/look returned seen']);
  },

  async 'resolve_unknown asks what became of a call that was cut off'({ sdk }) {
    const waiting = await ask(sdk, '/tool npm_doomed/die {}');
    const [[name, asked] = []] = callsAsked(waiting);
    expect(name).toBe('resolve_unknown');
    expect(JSON.stringify(asked)).toContain('npm_doomed/die');
    expect((await reply(sdk, waiting, 'result: it was sent')).status).toBe('completed');
    expect((await answersIn(sdk, waiting.thread_id)).at(-1)).toContain('it was sent');
  },

  async 'an output that is no answer of its kind is refused, and the request stays open'({ sdk }) {
    const waiting = await ask(sdk, '/tool shop/note {"text":"rope"}');
    const refused = sdk.submit(waiting.thread_id, waiting.id, outputsFor(waiting, 'perhaps'));
    await expect(refused).rejects.toBeInstanceOf(sdk.errors.BadRequestError);
    expect(await sdk.getRun(waiting.thread_id, waiting.id)).toEqual(waiting);
    expect((await reply(sdk, waiting, 'deny')).status).toBe('completed');
  },

  async 'what is asked here may be answered by the native API'({ sdk, suite }) {
    const waiting = await ask(sdk, '/ask Which colour?');
    const answer = await suite.main.request('POST', `/v1/runs/${waiting.id}/input`, { content: 'green' });
    expect(answer.status).toBe(200);
    expect((await sdk.poll(waiting.thread_id, waiting.id)).status).toBe('completed');
    expect(await answersIn(sdk, waiting.thread_id)).toEqual(['Done. ask_user said "green"']);
  },

  async 'a stream shows the tools of the server as steps, and goes on after an approval'({ sdk }) {
    const events: StreamEvent[] = [];
    const note = (event: StreamEvent) => void events.push(event);
    const thread = (
      await threadWith(sdk, '/say Looking\n/tool shop/look {}\n/tool shop/note {"text":"rope"}\n/say Noted')
    ).id;
    const waiting = await sdk.stream(thread, { assistant_id: 'assistant' }).on('event', note).finalRun();
    expect(callsAsked(waiting).map(([name]) => name)).toEqual(['approve_tool']);
    const run = await sdk.submitStream(thread, waiting.id, outputsFor(waiting, 'approve')).on('event', note).finalRun();
    expect(run.status).toBe('completed');
    const { steps, messages } = await listed(sdk, run);
    expect(told(events)).toEqual({ steps, messages });
    expect(steps.map((step) => [step.type, functionsOf(step).map((it) => it?.output)])).toEqual([
      ['message_creation', []],
      ['tool_calls', ['seen']],
      ['tool_calls', ['noted rope']],
      ['message_creation', []],
    ]);
  },
};
