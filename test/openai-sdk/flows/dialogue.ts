/** What the flows say and are told: an assistant with a weather function, threads, and the answers to its calls. */
import type { Assistant, Message, Run, RunStep, Sdk, StreamEvent, Thread, ToolOutputs } from '../support/npm-sdk.ts';

export const WEATHER = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'The weather in a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

/** A message that makes the model call `get_weather`. */
export const ONE_CITY = '/tool get_weather {"city":"Oslo"}';
/** A message that makes the model call `get_weather` for two cities at once. */
export const TWO_CITIES = '/parallel\n/tool get_weather {"city":"Oslo"}\n/tool get_weather {"city":"Bergen"}';

/** Text on which line decoders and encoders stumble. */
export const ODD_TEXT = 'a\u2028b\u2029c\u0085d \u{1f389} "quoted" \\ data: x \u00e9';

/** A new assistant, which knows `WEATHER`, and a new thread with a message. */
export async function begin(sdk: Sdk, text: string): Promise<{ assistant_id: string; thread: string }> {
  const [assistant, thread] = await Promise.all([weatherAssistant(sdk), threadWith(sdk, text)]);
  return { assistant_id: assistant.id, thread: thread.id };
}

export const weatherAssistant = (sdk: Sdk): Promise<Assistant> =>
  sdk.createAssistant({ model: 'gpt-4o', name: 'Weather', instructions: 'Be brief.', tools: [WEATHER] });

export const threadWith = (sdk: Sdk, text: string): Promise<Thread> =>
  sdk.createThread({ messages: [{ role: 'user', content: text }] });

export const callsOf = (run: Run) => run.required_action?.submit_tool_outputs.tool_calls ?? [];

/** Of each call its function and its arguments. */
export const callsAsked = (run: Run) =>
  callsOf(run).map((call) => [call.function.name, JSON.parse(call.function.arguments) as unknown]);

/** Answers every open call: with `output`, or what the weather is in the city it asks for. */
export const outputsFor = (run: Run, output?: string): ToolOutputs =>
  callsOf(run).map((call) => ({
    tool_call_id: call.id,
    output: output ?? `${JSON.parse(call.function.arguments).city}: 3 degrees`,
  }));

/** What a stream told last of each step and message of its run, in order, by the ids of the events' objects. */
export function told(events: StreamEvent[]): { steps: unknown[]; messages: unknown[] } {
  const ended = (kind: string, as: string) =>
    events.filter(({ event }) => new RegExp(`^${kind}\\.(${as})$`).test(event)).map(({ data }) => data);
  return {
    steps: ended('thread.run.step', 'completed|failed|cancelled|expired'),
    messages: ended('thread.message', 'completed|incomplete'),
  };
}

/** What the lists show of the run, oldest first. */
export async function listed(sdk: Sdk, run: Run): Promise<{ steps: RunStep[]; messages: Message[] }> {
  return {
    steps: await all(sdk.listSteps(run.thread_id, run.id, { order: 'asc' })),
    messages: await all(sdk.listMessages(run.thread_id, { run_id: run.id, order: 'asc' })),
  };
}

/** All items of a list, page after page, as the SDK walks it. */
export async function all<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of pages) items.push(item);
  return items;
}

/** The texts of the assistant's messages in the thread, oldest first. */
export async function answersIn(sdk: Sdk, thread: string): Promise<string[]> {
  const messages = await all(sdk.listMessages(thread, { order: 'asc' }));
  return messages.filter((message) => message.role === 'assistant').map(textOf);
}

export function textOf(message: { content: { type: string; text?: { value: string } | string }[] }): string {
  return message.content.map((part) => (typeof part.text === 'object' ? part.text.value : '')).join('');
}

export const toolCallsOf = (step: RunStep | undefined) =>
  step?.step_details.type === 'tool_calls' ? step.step_details.tool_calls : [];

export const functionsOf = (step: RunStep | undefined) =>
  toolCallsOf(step).map((call) => (call.type === 'function' ? call.function : undefined));
