/** Major 4 of the npm package by the names of `Calls`. */
import type OpenAI4 from 'openai-4';
import type { Calls, ListQuery } from './npm-sdk.ts';

/** Major 4 names the thread first, in a parameter of its own, and deletes by `del`. Its objects are those of 7. */
export function callsOf4(client: OpenAI4): Calls {
  const { assistants, threads } = client.beta;
  const { runs, messages } = threads;
  type CreateRun = Omit<OpenAI4.Beta.Threads.RunCreateParamsNonStreaming, 'stream'>;
  type CreateAndRun = Omit<OpenAI4.Beta.ThreadCreateAndRunParamsNonStreaming, 'stream'>;
  type ToolOutputs = OpenAI4.Beta.Threads.RunSubmitToolOutputsParams['tool_outputs'];
  const calls = {
    models: () => client.models.list(),
    createAssistant: (body: OpenAI4.Beta.AssistantCreateParams) => assistants.create(body),
    getAssistant: (id: string) => assistants.retrieve(id),
    updateAssistant: (id: string, body: OpenAI4.Beta.AssistantUpdateParams) => assistants.update(id, body),
    deleteAssistant: (id: string) => assistants.del(id),
    listAssistants: (query: ListQuery) => assistants.list(query),

    createThread: (body: OpenAI4.Beta.ThreadCreateParams) => threads.create(body),
    getThread: (id: string) => threads.retrieve(id),
    updateThread: (id: string, body: OpenAI4.Beta.ThreadUpdateParams) => threads.update(id, body),
    deleteThread: (id: string) => threads.del(id),

    createMessage: (thread: string, body: OpenAI4.Beta.Threads.MessageCreateParams) => messages.create(thread, body),
    getMessage: (thread: string, id: string) => messages.retrieve(thread, id),
    updateMessage: (thread: string, id: string, metadata: Record<string, string>) =>
      messages.update(thread, id, { metadata }),
    deleteMessage: (thread: string, id: string) => messages.del(thread, id),
    listMessages: (thread: string, query: ListQuery & { run_id?: string }) => messages.list(thread, query),

    createRun: (thread: string, body: CreateRun) => runs.create(thread, body),
    streamRun: (thread: string, body: CreateRun) => runs.create(thread, { ...body, stream: true }),
    getRun: (thread: string, id: string) => runs.retrieve(thread, id),
    updateRun: (thread: string, id: string, metadata: Record<string, string>) => runs.update(thread, id, { metadata }),
    listRuns: (thread: string, query: ListQuery) => runs.list(thread, query),
    cancelRun: (thread: string, id: string) => runs.cancel(thread, id),
    submit: (thread: string, id: string, tool_outputs: ToolOutputs) =>
      runs.submitToolOutputs(thread, id, { tool_outputs }),
    listSteps: (thread: string, run: string, query: OpenAI4.Beta.Threads.Runs.StepListParams) =>
      runs.steps.list(thread, run, query),
    getStep: (thread: string, run: string, id: string) => runs.steps.retrieve(thread, run, id),

    createAndRun: (body: CreateAndRun) => threads.createAndRun(body),
    createAndRunPoll: (body: CreateAndRun) => threads.createAndRunPoll(body),
    createAndPoll: (thread: string, body: CreateRun) => runs.createAndPoll(thread, body),
    poll: (thread: string, id: string) => runs.poll(thread, id),
    submitAndPoll: (thread: string, id: string, tool_outputs: ToolOutputs) =>
      runs.submitToolOutputsAndPoll(thread, id, { tool_outputs }),
    stream: (thread: string, body: CreateRun) => runs.stream(thread, body),
    createAndRunStream: (body: CreateAndRun) => threads.createAndRunStream(body),
    submitStream: (thread: string, id: string, tool_outputs: ToolOutputs) =>
      runs.submitToolOutputsStream(thread, id, { tool_outputs }),
  };
  return calls satisfies Record<keyof Calls, unknown> as unknown as Calls;
}
