/** A client of the OpenAI dialect in tests: every answer and every frame is held against OpenAI's own document. */
import type { ValidateFunction } from 'ajv';
import type { ErrorBody } from '../../src/api/openai/dialect.ts';
import type { listOf } from '../../src/api/openai/lists.ts';
import { answerSchema, type JsonSchema, readDocument } from '../../src/api/openai/schema/document.ts';
import { createAjv } from '../../src/api/openai/schema/validate.ts';
import type { assistantObject } from '../../src/api/openai/views/assistant.ts';
import type { messageObject } from '../../src/api/openai/views/message.ts';
import type { runObject } from '../../src/api/openai/views/run.ts';
import type { stepObject } from '../../src/api/openai/views/step.ts';
import type { threadObject } from '../../src/api/openai/views/thread.ts';
import { framesIn, runPath } from '../dialects/client.ts';
import { eventsUntil } from '../support/events.ts';
import type { Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

export { runPath };

const BASE = '/openai/v1';
const document = readDocument();
const ajv = createAjv();
const compiled = new Map<string, ValidateFunction>();

export type Assistant = ReturnType<typeof assistantObject>;
export type Thread = ReturnType<typeof threadObject>;
export type Message = ReturnType<typeof messageObject>;
export type Run = ReturnType<typeof runObject>;
export type Step = ReturnType<typeof stepObject>;
export type List<T extends { id: string }> = ReturnType<typeof listOf<T>>;

type Method = 'GET' | 'POST' | 'DELETE';
type Body = Record<string, unknown>;
type Options = { key?: string; headers?: Record<string, string> };
export type SeenFrame = { event: string; data: Record<string, unknown> };

export type OpenAiClient = ReturnType<typeof openAiClient>;

export function openAiClient(stack: Stack) {
  /** One call; throws when the answer does not fit the document. */
  async function call(method: Method, path: string, body?: Body, options: Options = {}) {
    const response = await stack.send(method, BASE + path, body === undefined ? options : { ...options, body });
    const answer: unknown = await response.json();
    holdTo(response.status === 200 ? answerOf(method, path) : component('ErrorResponse'), answer, `${method} ${path}`);
    return { status: response.status, body: answer, headers: response.headers };
  }

  /** A call that must be answered with 200. */
  async function ok<T>(method: Method, path: string, body?: Body): Promise<T> {
    const answer = await call(method, path, body);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }

  /** A streamed call. */
  async function post(path: string, body: Body): Promise<Response> {
    const response = await stack.send('POST', BASE + path, { body: { ...body, stream: true } });
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  }

  const getRun = (run: Pick<Run, 'id' | 'thread_id'>) => ok<Run>('GET', runPath(run));

  return {
    call,
    ok,
    getRun,
    /** The status and the error of a refusal. */
    async refused(method: Method, path: string, body?: Body, options?: Options) {
      const { status, body: answer } = await call(method, path, body, options);
      return { status, ...(answer as { error?: ErrorBody }).error };
    },
    createAssistant: (body: Body = {}) => ok<Assistant>('POST', '/assistants', { model: 'demo', ...body }),
    /** A thread with these messages of its user. */
    createThread: (...messages: string[]) =>
      ok<Thread>('POST', '/threads', { messages: messages.map((content) => ({ role: 'user', content })) }),
    /** A run of the persona `assistant`, unless the body names another. */
    createRun: (thread: { id: string }, body: Body = {}) =>
      ok<Run>('POST', `/threads/${thread.id}/runs`, { assistant_id: 'assistant', ...body }),
    cancel: (run: Run) => ok<Run>('POST', `${runPath(run)}/cancel`),
    submit: (run: Run, outputs: Record<string, string>) =>
      ok<Run>('POST', `${runPath(run)}/submit_tool_outputs`, toolOutputs(outputs)),
    messages: async (thread: { id: string }, query = '?order=asc') =>
      (await ok<List<Message>>('GET', `/threads/${thread.id}/messages${query}`)).data,
    steps: async (run: Run, query = '?order=asc') =>
      (await ok<List<Step>>('GET', `${runPath(run)}/steps${query}`)).data,
    /** Polls the run until its status is none of those that pass. */
    poll: (run: Pick<Run, 'id' | 'thread_id'>, passing = ['queued', 'in_progress', 'cancelling']): Promise<Run> =>
      until(
        async () => {
          const seen = await getRun(run);
          return passing.includes(seen.status) ? undefined : seen;
        },
        `the run is none of ${passing.join(', ')}`,
      ),
    /** Waits until the run has said something. */
    async hasSpoken(run: Run): Promise<void> {
      await eventsUntil(stack, run.id, (event) => event.type === 'message.delta');
    },
    /** A streamed call to its end: its frames, without the last, which must be `done`. */
    stream: async (path: string, body: Body): Promise<SeenFrame[]> =>
      checkedFrames(await (await post(path, body)).text()),
    /** A streamed call whose bytes come as they are sent. */
    async open(path: string, body: Body): Promise<ReadableStreamDefaultReader<Uint8Array>> {
      return ((await post(path, body)).body as ReadableStream<Uint8Array>).getReader();
    },
  };
}

export const toolOutputs = (outputs: Record<string, string>) => ({
  tool_outputs: Object.entries(outputs).map(([tool_call_id, output]) => ({ tool_call_id, output })),
});

/** Frames of a whole stream, each checked, without the final `done`. */
export const checkedFrames = (text: string): SeenFrame[] =>
  framesIn(text).map((seen) => {
    holdTo(component('AssistantStreamEvent'), seen, seen.event);
    return seen;
  });

/** The names of frames, repeated deltas shown once. */
export const names = (frames: SeenFrame[]) =>
  frames.map((frame) => frame.event).filter((name, i, all) => !(name.endsWith('.delta') && all[i - 1] === name));

type Delta = { delta: { content: { text: { value: string } }[] } };

/** The text that the deltas of a stream say together. */
export const textOf = (frames: SeenFrame[]) =>
  frames
    .filter((frame) => frame.event === 'thread.message.delta')
    .flatMap((frame) => (frame.data as Delta).delta.content.map((part) => part.text.value))
    .join('');

export const textOfMessage = (message: Message): string =>
  message.content.map((part) => ('text' in part ? part.text?.value : '')).join('');

/** What a frame of that name holds, the first one. */
export function dataOf<T>(frames: SeenFrame[], event: string): T {
  const frame = frames.find((it) => it.event === event);
  if (!frame) throw new Error(`no frame ${event} among ${names(frames).join(', ')}`);
  return frame.data as T;
}

export const weatherTool = (name = 'get_weather') => ({
  type: 'function',
  function: { name, description: 'Weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
});

/** The tool calls a run asks for. */
export const callsOf = (run: Run) => run.required_action?.submit_tool_outputs.tool_calls ?? [];

const component = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

/** The schema of a call's 200: the document's path that fits, the most literal first. `/models` is not in it. */
function answerOf(method: string, path: string): JsonSchema | undefined {
  const parts = (path.split('?')[0] ?? '').split('/');
  const found = Object.entries(document.paths)
    .filter(([known]) => {
      const own = known.split('/');
      return own.length === parts.length && own.every((part, i) => part.startsWith('{') || part === parts[i]);
    })
    .sort(([a], [b]) => a.split('{').length - b.split('{').length);
  const verb = method.toLowerCase() as 'get' | 'post' | 'delete';
  const operation = found.map(([, item]) => item[verb]).find((it) => it !== undefined);
  return operation?.responses['200']?.content?.['application/json'].schema;
}

function holdTo(schema: JsonSchema | undefined, value: unknown, what: string): void {
  if (!schema) return;
  const name = JSON.stringify(schema);
  const validate = compiled.get(name) ?? ajv.compile(answerSchema(document, schema));
  compiled.set(name, validate);
  if (!validate(value)) {
    const errors = validate.errors?.map(({ instancePath, message }) => `${instancePath} ${message}`).join('; ');
    throw new Error(`${what} does not fit the document: ${errors}\n${JSON.stringify(value)}`);
  }
}
