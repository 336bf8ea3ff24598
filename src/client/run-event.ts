/** A run's events as the native contract's event table has them. */
import { z } from 'zod';
import { HoldfastError } from '../errors.ts';
import type { ContentPart } from '../models/types.ts';
import type { RequestKind } from '../runs/types.ts';

/** Tokens as events report them; fields beyond these may follow. */
export type EventUsage = { input_tokens: number; cached_input_tokens?: number; output_tokens: number };

type Ended = { usage: EventUsage; cost_usd: number | null; duration_ms: number };

/** What `data` holds, by type. A newer server may send other types and fields: nothing here refuses them. */
export type EventData = {
  'run.started': { thread_id: string; persona_id: string; model: string };
  'turn.started': { turn: number; model: string; attempt: number };
  'message.delta': { message_id: string; turn: number; content: string };
  'reasoning.delta': { message_id: string; turn: number; content: string };
  'message.completed': {
    message_id: string;
    turn: number;
    content: string;
    finish_reason: string;
    usage: EventUsage;
  };
  'message.reset': { message_id: string; turn: number; attempt: number; reason: string };
  'message.received': { message_id: string; turn: number; content: ContentPart[] };
  'prompt.truncated': { turn: number; dropped_messages: number; prompt_tokens: number; context_tokens: number | null };
  'tool.call': { call_id: string; turn: number; name: string; arguments: unknown };
  /** Of `run_agent`: the child run. Of other tools what they report. */
  'tool.progress': { call_id: string; run_id?: string; persona_id?: string; [reported: string]: unknown };
  'tool.result': { call_id: string; name: string; status: string; output: string; duration_ms: number };
  'run.waiting_for_input': {
    request_id: string;
    kind: RequestKind;
    prompt: string;
    options?: string[];
    tool_calls?: { call_id: string; name: string; arguments: unknown }[];
    expires_at: string;
  };
  'run.input_received': { request_id: string; kind: RequestKind };
  'run.cancel_requested': { by: string };
  'run.completed': { output: string; message_id: string } & Ended;
  'run.failed': { error: { code: string; message: string } } & Ended;
  'run.cancelled': { reason: string; unfinished: unknown[] } & Ended;
};

export type EventType = keyof EventData;

export type RunEvent = {
  [Type in EventType]: { seq: number; type: Type; data: EventData[Type]; created_at: string };
}[EventType];

export type InputRequest = EventData['run.waiting_for_input'];

/** Whether nothing can follow this event. */
export function isTerminal(event: RunEvent): boolean {
  return event.type === 'run.completed' || event.type === 'run.failed' || event.type === 'run.cancelled';
}

const envelope = z.object({
  seq: z.int().positive(),
  type: z.string(),
  data: z.record(z.string(), z.unknown()),
  created_at: z.string(),
});

/** Parses one event as the server sent it; an unknown type is passed on. Throws `client.unexpected_answer` for what is no event. */
export function parseRunEvent(text: string): RunEvent {
  try {
    return envelope.parse(JSON.parse(text)) as unknown as RunEvent;
  } catch (cause) {
    throw new HoldfastError('client.unexpected_answer', 'the server sent something that is not an event', { cause });
  }
}
