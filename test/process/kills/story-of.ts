/** A run's history as a story to compare with another's: what became void is left out, and ids and times are. */
import type { SeenEvent } from '../../support/events.ts';

export type Told = { type: string; data: unknown };

/** What differs from run to run: times, and what voided attempts were charged. */
const OF_THE_MOMENT = ['duration_ms', 'expires_at', 'attempt'];
const CHARGED = ['usage', 'cost_usd'];
const ID = /^(run|thread|msg|call|input)_[0-9a-z]{29}$/;

/**
 * Left out: voided attempts (`message.reset` with all that it voids) and requests about unknown outcomes with their answers. Ids are
 * numbered in the order they come up; results of calls that ran side by side are put in the order of the calls.
 */
export function storyOf(events: SeenEvent[]): Told[] {
  const numbers = new Map<string, string>();
  const told = events
    .filter(isLasting(events))
    .map(({ type, data }) => ({ type, data: plain(type.startsWith('run.') ? without(data, CHARGED) : data, numbers) }));
  return inOrderOfCalls(told);
}

function isLasting(events: SeenEvent[]): (event: SeenEvent) => boolean {
  const resets = events.filter((event) => event.type === 'message.reset').map((event) => event.data);
  const voidMessages = new Set(resets.map((data) => data.message_id));
  const voidAttempts = new Set(resets.map((data) => `${data.turn}.${data.attempt}`));
  const unknown = events.filter((event) => event.data.kind === 'unknown_outcome').map((event) => event.data.request_id);
  return ({ type, data }) => {
    if (type === 'turn.started') return !voidAttempts.has(`${data.turn}.${data.attempt}`);
    if (data.request_id !== undefined) return !unknown.includes(data.request_id);
    return data.message_id === undefined || !voidMessages.has(data.message_id);
  };
}

function plain(value: unknown, numbers: Map<string, string>): unknown {
  if (typeof value === 'string') return ID.test(value) ? numbered(value, numbers) : value;
  if (Array.isArray(value)) return value.map((it) => plain(it, numbers));
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(without(value as Record<string, unknown>, OF_THE_MOMENT));
  return Object.fromEntries(kept.map(([key, it]) => [key, plain(it, numbers)]));
}

function numbered(id: string, numbers: Map<string, string>): string {
  const known = numbers.get(id);
  if (known) return known;
  const prefix = id.slice(0, id.indexOf('_'));
  const count = [...numbers.values()].filter((it) => it.startsWith(`${prefix} `)).length;
  numbers.set(id, `${prefix} ${count + 1}`);
  return `${prefix} ${count + 1}`;
}

const without = (data: Record<string, unknown>, names: string[]) =>
  Object.fromEntries(Object.entries(data).filter(([name]) => !names.includes(name)));

/** Sorts each stretch of results by their calls. */
function inOrderOfCalls(told: Told[]): Told[] {
  const ordered: Told[] = [];
  let results: Told[] = [];
  const callOf = (it: Told) => (it.data as { call_id: string }).call_id;
  for (const it of [...told, undefined]) {
    if (it?.type === 'tool.result') results.push(it);
    else {
      ordered.push(...results.sort((a, b) => callOf(a).localeCompare(callOf(b))), ...(it ? [it] : []));
      results = [];
    }
  }
  return ordered;
}
