/**
 * The streams of an example as text that is the same each time: ids have names in the order in which they appear, times and
 * durations are left out, deltas of one message are joined, and what parallel calls report stands in the order of the calls.
 */
import type { Stream } from '../../examples/stage.ts';
import type { RunEvent } from '../../src/client/run-event.ts';

/** The first stream, then those of its children and theirs in the order in which calls named them. */
export function goldenText(streams: Stream[]): string {
  const ordered = streams.map((stream) => ({ ...stream, events: inCallOrder(joinDeltas(stream.events)) }));
  const text = byMention(ordered).map(({ run_id, name, events }) =>
    [`# ${run_id} ${name}`, ...events.map(lineOf), ''].join('\n'),
  );
  return withStableIds(text.join('\n'));
}

/** `seq` and `created_at` differ with the chunks and the clock. */
function lineOf({ type, data }: RunEvent): string {
  return `${type} ${JSON.stringify(data, (key, value) => (key === 'duration_ms' ? '<ms>' : value))}`;
}

function joinDeltas(events: RunEvent[]): RunEvent[] {
  const joined: RunEvent[] = [];
  for (const event of events) {
    const last = joined.at(-1);
    if (
      isDelta(event) &&
      last?.type === event.type &&
      isDelta(last) &&
      last.data.message_id === event.data.message_id
    ) {
      const data = { ...last.data, content: last.data.content + event.data.content };
      joined[joined.length - 1] = { ...last, data };
    } else joined.push(event);
  }
  return joined;
}

type Delta = Extract<RunEvent, { type: 'message.delta' | 'reasoning.delta' }>;
const isDelta = (event: RunEvent): event is Delta => event.type === 'message.delta' || event.type === 'reasoning.delta';

/** Calls of one turn report side by side: each stretch of reports is put in the order of the calls, a call's own as they came. */
function inCallOrder(events: RunEvent[]): RunEvent[] {
  const calls = events.flatMap((event) => (event.type === 'tool.call' ? [event.data.call_id] : []));
  const ordered: RunEvent[] = [];
  let reports: Report[] = [];
  const flush = () => {
    ordered.push(...reports.toSorted((a, b) => calls.indexOf(a.data.call_id) - calls.indexOf(b.data.call_id)));
    reports = [];
  };
  for (const event of events) {
    if (event.type === 'tool.progress' || event.type === 'tool.result') reports.push(event);
    else {
      flush();
      ordered.push(event);
    }
  }
  flush();
  return ordered;
}

type Report = Extract<RunEvent, { type: 'tool.progress' | 'tool.result' }>;

function byMention(streams: Stream[]): Stream[] {
  const [first] = streams;
  const ordered = first ? [first] : [];
  for (const { events } of ordered) {
    for (const event of events) {
      const child = event.type === 'tool.progress' && streams.find((stream) => stream.run_id === event.data.run_id);
      if (child && !ordered.includes(child)) ordered.push(child);
    }
  }
  return [...ordered, ...streams.filter((stream) => !ordered.includes(stream))];
}

const ID = /\b(run|thread|msg|call|input)_[0-9a-z]{20,}\b/g;
const TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

function withStableIds(text: string): string {
  const names = new Map<string, string>();
  const counts = new Map<string, number>();
  const nameOf = (id: string, kind: string) => {
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    const name = `${kind}_${count}`;
    names.set(id, name);
    return name;
  };
  return text.replace(ID, (id, kind: string) => names.get(id) ?? nameOf(id, kind)).replace(TIME, '<time>');
}
