/** Events of a run in short, and what a story makes of them, for the tests of this folder. */
import type { RunEvent } from '../../../runs/dialect-types.ts';
import type { RunFacts } from '../views/run.ts';
import type { Step } from '../views/step.ts';
import { RunStory } from './story.ts';

/** A run for which nothing was asked. */
export const FACTS: RunFacts = {
  id: 'run_1',
  thread_id: 'thread_1',
  assistant_id: 'asst_1',
  created_at: '2026-11-22T10:00:00.000Z',
  metadata: {},
  terms: {
    model: 'demo',
    instructions: '',
    additional_instructions: '',
    functions: [],
    settings: {},
    max_prompt_tokens: null,
    max_completion_tokens: null,
    last_messages: null,
    expires_at: null,
    own: [],
  },
};
export const USAGE = { input_tokens: 10, cached_input_tokens: 0, output_tokens: 5, reasoning_tokens: 0 };

export type Told = [type: string, data?: Record<string, unknown>];

export const started: Told[] = [['run.started'], ['turn.started', { turn: 1 }]];
export const says = (content: string, message_id = 'msg_1'): Told => ['message.delta', { message_id, content }];
export const completed = (content: string, message_id = 'msg_1'): Told => [
  'message.completed',
  { message_id, content, usage: USAGE },
];
export const call = (id: string, name = 'f'): Told => [
  'tool.call',
  { call_id: `call_${id}`, name, arguments: { n: id } },
];
export const result = (id: string, output = `out ${id}`): Told => ['tool.result', { call_id: `call_${id}`, output }];
export const asks = (id: string, kind: string, calls: string[] = [], prompt = 'Do it.'): Told => [
  'run.waiting_for_input',
  {
    request_id: `input_${id}`,
    kind,
    prompt,
    ...(kind === 'question' || kind === 'budget'
      ? {}
      : { tool_calls: calls.map((it) => ({ call_id: `call_${it}`, name: 'f', arguments: { n: it } })) }),
  },
];
export const received = (id: string): Told => ['run.input_received', { request_id: `input_${id}` }];
export const ends = (as: 'completed' | 'cancelled'): Told => [`run.${as}`, { usage: USAGE }];
export const fails = (code: string, message = 'why'): Told => [
  'run.failed',
  { error: { code, message }, usage: USAGE },
];

type Shown = { event: string; data: object };

/** What a story shows of these events: each a second after the one before. */
export function tell(
  events: Told[],
  earlier?: RunStory,
): { frames: Shown[]; names: string[]; story: RunStory; steps: Step[] } {
  const steps: Step[] = [];
  const story = earlier ?? new RunStory(FACTS, { onStep: (step) => steps.push(step) });
  const frames = events.flatMap(([type, data = {}], i) => {
    const event: RunEvent = { seq: i + 1, type, data, created_at: 1_000 * (i + 1) };
    return story.take(event) as Shown[];
  });
  return { frames, names: frames.map((frame) => frame.event.replace('thread.', '')), story, steps };
}
