/** What the demo's run does: a message that the demo model plays, and the demo's parts in it. */
import type { InputRequest } from '../client/run-event.ts';
import type { Answer, CreateRun } from '../runs/types.ts';

/** Chunks of the long text. At CHUNK_DELAY_MS each it takes 3 s: time enough to be killed in. */
const CHUNKS = 200;
const CHUNK_DELAY_MS = 15;
/** The server is killed when so many chunks of the long text have been seen. */
export const KILL_AFTER_CHUNKS = 60;

const ANSWER = 'Yes, send the new one today.';

/** The run: a tool that this client runs, a question to a human, and a long text. */
export const DEMO_RUN: CreateRun = {
  persona_id: 'assistant',
  input: [
    '/say Let me look at that order first.',
    '/tool lookup_order {"order_id":"A-1001"}',
    '/say The parcel was lost on its way.',
    '/ask May I send a new one?',
    '/say Thank you, it is on its way. Here is the whole story.',
    `/stream chunks=${CHUNKS} delay_ms=${CHUNK_DELAY_MS}`,
  ].join('\n'),
  tools: [
    'ask_user',
    {
      type: 'function',
      function: {
        name: 'lookup_order',
        description: 'Looks up an order by its number.',
        parameters: {
          type: 'object',
          properties: { order_id: { type: 'string' } },
          required: ['order_id'],
          additionalProperties: false,
        },
      },
    },
  ],
};

/** The demo's answer to `request`, and what it says of it. Undefined for a request that this run does not make. */
export function demoAnswer(request: InputRequest): { answer: Answer; words: string } | undefined {
  const { request_id, kind, tool_calls = [] } = request;
  if (kind === 'question') {
    return { answer: { request_id, content: ANSWER }, words: `the demo, in the part of the human, answers: ${ANSWER}` };
  }
  if (kind !== 'tool_outputs') return undefined;
  const tool_outputs = tool_calls.map((call) => ({ call_id: call.call_id, output: lookupOrder(call.arguments) }));
  const words = `the demo runs its own tool (${tool_calls.map((call) => call.name).join(', ')}) and hands in the output`;
  return { answer: { request_id, tool_outputs }, words };
}

function lookupOrder(order: unknown): string {
  return JSON.stringify({ order, state: 'lost', carrier: 'Snail & Sons', items: ['rope, 20 m', 'cleat, brass'] });
}
