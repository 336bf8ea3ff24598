/** The npm package `openai` in its majors 4, 6 and 7 behind one set of names, so that one flow runs with each. */
import OpenAI from 'openai';
import OpenAI4 from 'openai-4';
import OpenAI6 from 'openai-6';
import { callsOf4 } from './npm-sdk-4.ts';

export type Run = OpenAI.Beta.Threads.Run;
export type Message = OpenAI.Beta.Threads.Message;
export type RunStep = OpenAI.Beta.Threads.Runs.RunStep;
export type Thread = OpenAI.Beta.Thread;
export type Assistant = OpenAI.Beta.Assistant;
export type StreamEvent = OpenAI.Beta.AssistantStreamEvent;
export type ToolOutputs = OpenAI.Beta.Threads.Runs.RunSubmitToolOutputsParams['tool_outputs'];

type CreateRun = Omit<OpenAI.Beta.Threads.RunCreateParamsNonStreaming, 'stream'>;
type CreateAndRun = Omit<OpenAI.Beta.ThreadCreateAndRunParamsNonStreaming, 'stream'>;
export type ListQuery = { limit?: number; order?: 'asc' | 'desc'; after?: string; before?: string };

type RunStepInclude = OpenAI.Beta.Threads.Runs.RunStepInclude;

export type ClientOptions = {
  apiKey: string;
  baseURL: string;
  defaultHeaders: Record<string, string>;
  maxRetries?: number;
};

/** What is called of an SDK, by the thread and run it is about. */
export type Calls = ReturnType<typeof callsOf7>;
/** Its calls, and the classes of its errors. */
export type Sdk = Calls & { errors: typeof OpenAI };

type NpmSdk = { agent: string; major: number; open(options: ClientOptions): Sdk };

export const NPM_SDKS: [NpmSdk, ...NpmSdk[]] = [
  { agent: 'OpenAI/JS 7.57.0', major: 7, open: (options) => ({ ...callsOf7(new OpenAI(options)), errors: OpenAI }) },
  {
    agent: 'OpenAI/JS 6.49.0',
    major: 6,
    // Major 6 has the methods of 7, by the same names and parameters.
    open: (options) => ({
      ...callsOf7(new OpenAI6(options) as unknown as OpenAI),
      errors: OpenAI6 as unknown as typeof OpenAI,
    }),
  },
  {
    agent: 'OpenAI/JS 4.104.0',
    major: 4,
    open: (options) => ({ ...callsOf4(new OpenAI4(options)), errors: OpenAI4 as unknown as typeof OpenAI }),
  },
];

function callsOf7(client: OpenAI) {
  const { assistants, threads } = client.beta;
  const { runs, messages } = threads;
  return {
    models: () => client.models.list(),
    createAssistant: (body: OpenAI.Beta.AssistantCreateParams) => assistants.create(body),
    getAssistant: (id: string) => assistants.retrieve(id),
    updateAssistant: (id: string, body: OpenAI.Beta.AssistantUpdateParams) => assistants.update(id, body),
    deleteAssistant: (id: string) => assistants.delete(id),
    listAssistants: (query: ListQuery) => assistants.list(query),

    createThread: (body: OpenAI.Beta.ThreadCreateParams) => threads.create(body),
    getThread: (id: string) => threads.retrieve(id),
    updateThread: (id: string, body: OpenAI.Beta.ThreadUpdateParams) => threads.update(id, body),
    deleteThread: (id: string) => threads.delete(id),

    createMessage: (thread: string, body: OpenAI.Beta.Threads.MessageCreateParams) => messages.create(thread, body),
    getMessage: (thread: string, id: string) => messages.retrieve(id, { thread_id: thread }),
    updateMessage: (thread: string, id: string, metadata: Record<string, string>) =>
      messages.update(id, { thread_id: thread, metadata }),
    deleteMessage: (thread: string, id: string) => messages.delete(id, { thread_id: thread }),
    listMessages: (thread: string, query: ListQuery & { run_id?: string }) => messages.list(thread, query),

    createRun: (thread: string, body: CreateRun) => runs.create(thread, body),
    streamRun: (thread: string, body: CreateRun) => runs.create(thread, { ...body, stream: true }),
    getRun: (thread: string, id: string) => runs.retrieve(id, { thread_id: thread }),
    updateRun: (thread: string, id: string, metadata: Record<string, string>) =>
      runs.update(id, { thread_id: thread, metadata }),
    listRuns: (thread: string, query: ListQuery) => runs.list(thread, query),
    cancelRun: (thread: string, id: string) => runs.cancel(id, { thread_id: thread }),
    submit: (thread: string, id: string, tool_outputs: ToolOutputs) =>
      runs.submitToolOutputs(id, { thread_id: thread, tool_outputs }),
    listSteps: (thread: string, run: string, query: ListQuery & { include?: RunStepInclude[] }) =>
      runs.steps.list(run, { thread_id: thread, ...query }),
    getStep: (thread: string, run: string, id: string) => runs.steps.retrieve(id, { thread_id: thread, run_id: run }),

    createAndRun: (body: CreateAndRun) => threads.createAndRun(body),
    createAndRunPoll: (body: CreateAndRun) => threads.createAndRunPoll(body),
    createAndPoll: (thread: string, body: CreateRun) => runs.createAndPoll(thread, body),
    poll: (thread: string, id: string) => runs.poll(id, { thread_id: thread }),
    submitAndPoll: (thread: string, id: string, tool_outputs: ToolOutputs) =>
      runs.submitToolOutputsAndPoll(id, { thread_id: thread, tool_outputs }),
    stream: (thread: string, body: CreateRun) => runs.stream(thread, body),
    createAndRunStream: (body: CreateAndRun) => threads.createAndRunStream(body),
    submitStream: (thread: string, id: string, tool_outputs: ToolOutputs) =>
      runs.submitToolOutputsStream(id, { thread_id: thread, tool_outputs }),
  };
}
