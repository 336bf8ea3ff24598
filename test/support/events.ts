/** Reading a run's events in tests. */
import type { Stack } from './stack.ts';

export type SeenEvent = { seq: number; type: string; data: Record<string, unknown>; created_at: string };

/** Parses SSE text into events; comments are left out. */
export function parseEvents(text: string): SeenEvent[] {
  return text
    .split('\n\n')
    .filter((frame) => frame.includes('data: '))
    .map((frame) => JSON.parse(frame.slice(frame.indexOf('data: ') + 6)) as SeenEvent);
}

/** All events to the terminal one (follows the run until it ends). */
export async function eventsToEnd(stack: Stack, runId: string, afterSeq = 0): Promise<SeenEvent[]> {
  const response = await stack.send('GET', `/v1/runs/${runId}/events?after_seq=${afterSeq}`);
  if (response.status !== 200) throw new Error(`events: ${response.status} ${await response.text()}`);
  return parseEvents(await response.text());
}

/** Follows the run until an event satisfies `wanted`, and gives all up to it. Throws when the run ends before. */
export async function eventsUntil(
  stack: Stack,
  runId: string,
  wanted: (event: SeenEvent) => boolean,
  afterSeq = 0,
): Promise<SeenEvent[]> {
  const response = await stack.send('GET', `/v1/runs/${runId}/events?after_seq=${afterSeq}`);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  const seen: SeenEvent[] = [];
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the run ended without the event; seen: ${seen.map((event) => event.type).join(', ')}`);
    rest += decoder.decode(value, { stream: true });
    const end = rest.lastIndexOf('\n\n') + 2;
    if (end === 1) continue;
    const whole = rest.slice(0, end);
    rest = rest.slice(end);
    for (const event of parseEvents(whole)) {
      seen.push(event);
      if (!wanted(event)) continue;
      await reader.cancel();
      return seen;
    }
  }
}

export const types = (events: SeenEvent[]) => events.map((event) => event.type);
/** The types with repeated deltas shown once: what a run's story is, however its text was cut into chunks. */
export const story = (events: SeenEvent[]) =>
  types(events).filter((type, i, all) => !(type.endsWith('.delta') && all[i - 1] === type));

/** Throws unless the events are numbered 1, 2, 3 … with exactly one terminal event, the last. */
export function checkHistory(events: SeenEvent[]): void {
  events.forEach((event, i) => {
    if (event.seq !== i + 1) throw new Error(`event ${i + 1} has seq ${event.seq}`);
  });
  const terminal = events.filter((event) => ['run.completed', 'run.failed', 'run.cancelled'].includes(event.type));
  if (terminal.length !== 1 || terminal[0] !== events.at(-1))
    throw new Error(`terminal events: ${types(terminal).join(', ')}`);
}
