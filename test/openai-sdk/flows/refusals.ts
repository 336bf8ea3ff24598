/** Every refusal of the contract: its class in the SDK, its text, and where it points. */
import { expect } from 'vitest';
import { randomText } from '../../../src/ids.ts';
import type { Sdk } from '../support/npm-sdk.ts';
import { ACTIVE_RUNS, type Flows } from '../support/suite.ts';
import { all, begin, ONE_CITY, outputsFor, threadWith, weatherAssistant } from './dialogue.ts';

type Refusal = { status: number; message: string | RegExp; type?: string; param?: string | null; code?: string | null };
type ErrorClass =
  | 'BadRequestError'
  | 'NotFoundError'
  | 'AuthenticationError'
  | 'PermissionDeniedError'
  | 'RateLimitError';

/** Expects the call to be refused with this class and content, and with the id of its request. */
async function refused(sdk: Sdk, call: Promise<unknown>, name: ErrorClass, refusal: Refusal): Promise<void> {
  await expect(call).rejects.toBeInstanceOf(sdk.errors[name]);
  const { message, ...rest } = refusal;
  await expect(call).rejects.toMatchObject({
    ...rest,
    message: typeof message === 'string' ? `${refusal.status} ${message}` : expect.stringMatching(message),
  });
  // Major 4 spells it otherwise.
  const error = (await call.catch((reason: unknown) => reason)) as { requestID?: string; request_id?: string };
  expect(error.requestID ?? error.request_id).toBeTruthy();
}

const INVALID = { type: 'invalid_request_error', param: null, code: null };
const unknown = (what: string, id: string) => ({
  ...INVALID,
  status: 404,
  message: `No ${what} found with id '${id}'.`,
});

export const refusalFlows: Flows = {
  async 'a thread with an active run takes no second run, no message, and is not deleted'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, ONE_CITY);
    const { id } = await sdk.createAndPoll(thread, { assistant_id });
    await refused(sdk, sdk.createRun(thread, { assistant_id }), 'BadRequestError', {
      ...{ ...INVALID, status: 400, message: `Thread ${thread} already has an active run ${id}.` },
    });
    await refused(sdk, sdk.createMessage(thread, { role: 'user', content: 'More' }), 'BadRequestError', {
      ...{ ...INVALID, status: 400, message: `Can't add messages to ${thread} while a run ${id} is active.` },
    });
    await refused(sdk, sdk.deleteThread(thread), 'BadRequestError', { ...INVALID, status: 400, message: /active/ });
    expect(await all(sdk.listRuns(thread, {}))).toHaveLength(1);
    expect(await all(sdk.listMessages(thread, {}))).toHaveLength(1);
  },

  async 'a run that ended takes no outputs and is not cancelled'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, ONE_CITY);
    const waiting = await sdk.createAndPoll(thread, { assistant_id });
    const { id } = await sdk.submitAndPoll(thread, waiting.id, outputsFor(waiting));
    await refused(sdk, sdk.submit(thread, id, outputsFor(waiting, 'other')), 'BadRequestError', {
      ...{ ...INVALID, status: 400, message: 'Runs in status "completed" do not accept tool outputs.' },
    });
    await refused(sdk, sdk.cancelRun(thread, id), 'BadRequestError', {
      ...{ ...INVALID, status: 400, message: "Cannot cancel run with status 'completed'." },
    });
  },

  async 'a run that runs takes no outputs'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/think ms=30000');
    const { id } = await sdk.createRun(thread, { assistant_id });
    await refused(sdk, sdk.submit(thread, id, [{ tool_call_id: 'call_x', output: 'x' }]), 'BadRequestError', {
      ...{
        ...INVALID,
        status: 400,
        message: /^400 Runs in status "(queued|in_progress)" do not accept tool outputs\.$/,
      },
    });
    await sdk.cancelRun(thread, id);
    await sdk.poll(thread, id);
  },

  async 'what does not exist is not found, by name'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/say Hello');
    const { id } = await sdk.createAndPoll(thread, { assistant_id });
    const not = (call: Promise<unknown>, what: string, name: string) =>
      refused(sdk, call, 'NotFoundError', unknown(what, name));
    await not(sdk.getThread('thread_none'), 'thread', 'thread_none');
    await not(sdk.createRun('thread_none', { assistant_id }), 'thread', 'thread_none');
    await not(sdk.createRun(thread, { assistant_id: 'asst_none' }), 'assistant', 'asst_none');
    await not(sdk.getAssistant('asst_none'), 'assistant', 'asst_none');
    await not(sdk.getRun(thread, 'run_none'), 'run', 'run_none');
    await not(sdk.getMessage(thread, 'msg_none'), 'message', 'msg_none');
    await not(sdk.getStep(thread, id, 'step_none'), 'run step', 'step_none');
    const elsewhere = (await threadWith(sdk, 'Hello')).id;
    await not(sdk.getRun(elsewhere, id), 'run', id);
  },

  async 'another organisation sees nothing'({ sdk, open, suite }) {
    const { assistant_id, thread } = await begin(sdk, '/say Hello');
    const { id } = await sdk.createAndPoll(thread, { assistant_id });
    const other = open({ key: suite.otherKey });
    await refused(sdk, other.getThread(thread), 'NotFoundError', unknown('thread', thread));
    await refused(sdk, other.getRun(thread, id), 'NotFoundError', { ...INVALID, status: 404, message: /^404 No / });
    await refused(sdk, other.getAssistant(assistant_id), 'NotFoundError', unknown('assistant', assistant_id));
    expect((await all(other.listAssistants({ limit: 100 }))).map((it) => it.id)).not.toContain(assistant_id);
  },

  async 'an assistant of the configuration is not deleted'({ sdk }) {
    await refused(sdk, sdk.deleteAssistant('assistant'), 'BadRequestError', { status: 400, message: /configur/i });
    expect((await sdk.getAssistant('assistant')).id).toBe('assistant');
  },

  async 'a model that is no route is refused, naming those that are'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/say Hello');
    for (const call of [
      () => sdk.createAssistant({ model: 'gpt-none' }),
      () => sdk.createRun(thread, { assistant_id, model: 'gpt-none' }),
    ]) {
      await refused(sdk, call(), 'BadRequestError', {
        ...{ status: 400, type: 'invalid_request_error', param: 'model', code: 'model_not_found' },
        message: /gpt-none.*(demo.*gpt-4o|gpt-4o.*demo)/s,
      });
    }
  },

  async 'hosted tools and files are refused by name'({ sdk }) {
    const assistant_id = (await weatherAssistant(sdk)).id;
    const thread = (await sdk.createThread({})).id;
    const model = 'gpt-4o';
    const file = { type: 'image_file' as const, image_file: { file_id: 'file_1' } };
    const attachments = [{ file_id: 'file_1', tools: [{ type: 'file_search' as const }] }];
    const hosted = (type: 'file_search' | 'code_interpreter') => sdk.createAssistant({ model, tools: [{ type }] });
    const said = (content: Parameters<Sdk['createMessage']>[1]) => sdk.createMessage(thread, content);
    const calls: [call: () => Promise<unknown>, param: string, named: RegExp][] = [
      [() => hosted('file_search'), 'tools[0].type', /file_search/],
      [() => hosted('code_interpreter'), 'tools[0].type', /code_interpreter/],
      [
        () => sdk.createAssistant({ model, tool_resources: { code_interpreter: { file_ids: ['file_1'] } } }),
        ...(['tool_resources.code_interpreter', /code_interpreter/] as const),
      ],
      [
        () => sdk.createThread({ tool_resources: { file_search: { vector_store_ids: ['vs_1'] } } }),
        ...(['tool_resources.file_search', /file_search/] as const),
      ],
      [
        () => sdk.createRun(thread, { assistant_id, tools: [{ type: 'file_search' }] }),
        ...(['tools[0].type', /file_search/] as const),
      ],
      [() => said({ role: 'user', content: 'x', attachments }), 'attachments', /attach/i],
      [() => said({ role: 'user', content: [file] }), 'content[0].type', /image_file/],
    ];
    for (const [call, param, message] of calls) {
      await refused(sdk, call(), 'BadRequestError', { status: 400, type: 'invalid_request_error', param, message });
    }
  },

  async 'a wrong key and a key without the scope are refused as such'({ sdk, open, suite }) {
    const assistant_id = 'assistant';
    const thread = (await threadWith(sdk, '/say Hello')).id;
    const wrong = open({ key: 'sk-wrong-and-long-enough' });
    await refused(sdk, wrong.getThread(thread), 'AuthenticationError', { status: 401, message: /./ });
    const reading = open({ key: suite.readingKey });
    expect((await reading.getThread(thread)).id).toBe(thread);
    const call = reading.createRun(thread, { assistant_id });
    await refused(sdk, call, 'PermissionDeniedError', { status: 403, message: /runs:write/ });
  },

  async 'an organisation at its limit of active runs is refused as rate limited'({ open, suite }) {
    const key = await suite.makeKey('unstarted', '--org', `busy-${randomText(8)}`);
    const sdk = open({ server: 'unstarted', key, maxRetries: 0 });
    const { id } = await weatherAssistant(sdk);
    const thread = { messages: [{ role: 'user' as const, content: 'Hello' }] };
    await Promise.all(Array.from({ length: ACTIVE_RUNS }, () => sdk.createAndRun({ assistant_id: id, thread })));
    await refused(sdk, sdk.createAndRun({ assistant_id: id, thread }), 'RateLimitError', {
      status: 429,
      message: /limit/,
    });
  },
};
