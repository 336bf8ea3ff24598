/** What a person reads of an event beside its type: one line. */
import type { EventData, EventUsage, RunEvent } from '../client/run-event.ts';
import type { ContentPart } from '../models/types.ts';

const LONG_TEXT = 160;

/** The gist of the event's data. Fields that a server left out are left out here. */
export function eventWords(event: RunEvent): string {
  switch (event.type) {
    case 'run.started':
      return join(event.data.thread_id, event.data.persona_id, event.data.model);
    case 'turn.started':
      return join(`turn ${event.data.turn}`, event.data.model, `attempt ${event.data.attempt}`);
    case 'message.delta':
    case 'reasoning.delta':
      return JSON.stringify(event.data.content);
    case 'message.completed':
      return join(`turn ${event.data.turn}`, event.data.finish_reason, usageWords(event.data.usage));
    case 'message.reset':
      return join(`turn ${event.data.turn} begins again`, event.data.reason, `attempt ${event.data.attempt}`);
    case 'message.received':
      return join(`turn ${event.data.turn}`, short(textOf(event.data.content)));
    case 'prompt.truncated':
      return truncatedWords(event.data);
    case 'tool.progress':
      return event.data.run_id ? join(event.data.persona_id, event.data.run_id) : short(JSON.stringify(event.data));
    case 'tool.call':
      return `${event.data.name}(${short(JSON.stringify(event.data.arguments))})`;
    case 'tool.result':
      return join(event.data.name, event.data.status, durationWords(event.data.duration_ms), short(event.data.output));
    case 'run.waiting_for_input':
      return join(event.data.kind, event.data.prompt, event.data.options?.join(' | '));
    case 'run.input_received':
      return join(event.data.kind, event.data.request_id);
    case 'run.cancel_requested':
      return join(event.data.by);
    case 'run.completed':
      return endWords(event.data);
    case 'run.failed':
      return join(`${event.data.error?.code}: ${event.data.error?.message}`, endWords(event.data));
    case 'run.cancelled':
      return join(event.data.reason, unfinishedWords(event.data.unfinished), endWords(event.data));
    default:
      return short(JSON.stringify((event as { data: unknown }).data));
  }
}

const textOf = (parts: ContentPart[]) => parts.map((part) => (part.type === 'text' ? part.text : '[image]')).join(' ');

function truncatedWords(data: EventData['prompt.truncated']): string {
  const size = `${data.prompt_tokens}${data.context_tokens === null ? '' : ` of ${data.context_tokens}`} tokens`;
  return join(`turn ${data.turn}`, `${data.dropped_messages} messages left out`, size);
}

function endWords(data: { usage: EventUsage; cost_usd: number | null; duration_ms: number }): string {
  return join(
    durationWords(data.duration_ms),
    usageWords(data.usage),
    typeof data.cost_usd === 'number' ? `$${data.cost_usd}` : undefined,
  );
}

function usageWords(usage: EventUsage | null | undefined): string | undefined {
  return usage ? `${usage.input_tokens} tokens in, ${usage.output_tokens} out` : undefined;
}

function durationWords(ms: number | null | undefined): string | undefined {
  if (typeof ms !== 'number') return undefined;
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function unfinishedWords(unfinished: unknown[] | undefined): string | undefined {
  return unfinished?.length ? `could not be stopped: ${short(JSON.stringify(unfinished))}` : undefined;
}

function join(...parts: (string | null | undefined)[]): string {
  return parts.filter((part) => part).join(' · ');
}

function short(text: string | undefined): string {
  const line = (text ?? '').replace(/\s+/g, ' ');
  return line.length > LONG_TEXT ? `${line.slice(0, LONG_TEXT)}…` : line;
}
