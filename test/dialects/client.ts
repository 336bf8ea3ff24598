/** A client of a dialect that is like OpenAI's, below its base. */

import type { ErrorBody } from '../../src/api/openai/dialect.ts';
import type { Stack } from '../support/stack.ts';
import { until } from '../support/until.ts';

export type Method = 'GET' | 'POST' | 'DELETE' | 'PATCH';
type Json = Record<string, unknown>;
type Options = { key?: string; headers?: Record<string, string> };
export type Action = { id: string; type: string; function: { name: string; arguments: string } };
export type Run = {
  id: string;
  thread_id: string;
  assistant_id: string;
  status: string;
  required_action: { submit_tool_outputs: { tool_calls: Action[] } } | null;
} & Json;
export type Frame = { event: string; data: Json & { object?: string } };

export type DialectClient = ReturnType<typeof dialectClient>;

export function dialectClient(stack: Stack, base: string) {
  async function call(method: Method, path: string, body?: unknown, options: Options = {}) {
    const response = await stack.send(method, base + path, body === undefined ? options : { ...options, body });
    return { status: response.status, body: (await response.json()) as unknown, headers: response.headers };
  }

  /** A call that must be answered with 200. */
  async function ok<T = Json>(method: Method, path: string, body?: unknown): Promise<T> {
    const answer = await call(method, path, body);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }

  const getRun = (run: Pick<Run, 'id' | 'thread_id'>) => ok<Run>('GET', runPath(run));

  return {
    call,
    ok,
    getRun,
    /** The status and the error of a refusal. */
    async refused(method: Method, path: string, body?: unknown, options?: Options) {
      const { status, body: answer } = await call(method, path, body, options);
      return { status, ...(answer as { error: ErrorBody }).error };
    },
    createAssistant: (body: Json = {}) => ok<{ id: string }>('POST', '/assistants', { model: 'demo', ...body }),
    /** A thread with these messages of its user. */
    createThread: (...messages: string[]) =>
      ok<{ id: string }>('POST', '/threads', { messages: messages.map((content) => ({ role: 'user', content })) }),
    createRun: (thread: { id: string }, body: Json = {}) =>
      ok<Run>('POST', `/threads/${thread.id}/runs`, { assistant_id: 'assistant', ...body }),
    cancel: (run: Run) => ok<Run>('POST', `${runPath(run)}/cancel`),
    /** Polls the run until its status is none of those that pass. */
    poll: (run: Pick<Run, 'id' | 'thread_id'>, passing = ['queued', 'in_progress', 'cancelling']): Promise<Run> =>
      until(
        async () => {
          const seen = await getRun(run);
          return passing.includes(seen.status) ? undefined : seen;
        },
        `the run is none of ${passing.join(', ')}`,
      ),
    /** A streamed call to its end: its frames, without the last, which must be `done`. */
    async stream(path: string, body: Json): Promise<Frame[]> {
      const response = await stack.send('POST', base + path, { body: { ...body, stream: true } });
      if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return framesIn(await response.text());
    },
  };
}

export const runPath = (run: { id: string; thread_id: string }) => `/threads/${run.thread_id}/runs/${run.id}`;

/** The tool calls a run asks for. */
export const callsOf = (run: Run): Action[] => run.required_action?.submit_tool_outputs.tool_calls ?? [];

/** The one output that such a run waits for. */
export const outputOf = (run: Run, output: string) => ({
  tool_outputs: [{ tool_call_id: callsOf(run)[0]?.id, output }],
});

/** Frames of a whole stream, without the final `done`. */
export function framesIn(text: string): Frame[] {
  const raw = text.replaceAll(': ping\n', '').split('\n\n').slice(0, -1);
  if (raw.pop() !== 'event: done\ndata: [DONE]') throw new Error(`the stream has no end: ${text.slice(-300)}`);
  return raw.map((frame) => {
    const [, event = '', data = ''] = /^event: (\S+)\ndata: (.*)$/.exec(frame) ?? [];
    return { event, data: JSON.parse(data) as Frame['data'] };
  });
}

export const weatherTool = { type: 'function', function: { name: 'get_weather', parameters: { type: 'object' } } };

/** What leads a run to each status in which it stays. */
export const STATUSES: [status: string, script: string, body: Json][] = [
  ['in_progress', '/think ms=30000', {}],
  ['requires_action', '/tool get_weather', { tools: [weatherTool] }],
  ['completed', '/say Hello.', {}],
  ['incomplete', '/stream chunks=400 delay_ms=0', { max_completion_tokens: 256 }],
  ['failed', '/fail status=400', {}],
];
