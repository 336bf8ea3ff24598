/** Prints a run's events: for people, or one JSON object a line for programs. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import pc from 'picocolors';
import type { EventType, RunEvent } from '../client/run-event.ts';
import { eventWords } from './event-words.ts';
import { withoutControls } from './terminal.ts';

/**
 * `inline`: a line an event, but deltas that follow each other run on as text. `lines`: a line an event, deltas too.
 * `json`: the event as the server sent it.
 */
export type EventForm = 'inline' | 'lines' | 'json';

export type EventPrinter = {
  /** Resolves once the stream can take more. */
  print(event: RunEvent): Promise<void>;
  /** A line between events. In the form `json` there are only events: it is left out. */
  say(line: string): Promise<void>;
  /** Ends a text that is still running on. */
  end(): Promise<void>;
};

/** The form for a stream: `inline` on a terminal, `json` anywhere else. */
export function formFor(stream: { isTTY?: boolean }): EventForm {
  return stream.isTTY ? 'inline' : 'json';
}

/** A printer on `out`. Text of models, tools and users is printed without its control characters. */
export function createEventPrinter(out: Writable, form: EventForm, color: boolean): EventPrinter {
  const write = async (text: string) => {
    if (!out.write(text)) await once(out, 'drain');
  };
  if (form === 'json') {
    const nothing = () => Promise.resolve();
    return { print: (event) => write(`${JSON.stringify(event)}\n`), say: nothing, end: nothing };
  }
  const colors = pc.createColors(color);
  let running: { type: EventType; first: number; last: number } | undefined;

  const end = async () => {
    if (!running) return;
    const { first, last } = running;
    running = undefined;
    await write(first === last ? '\n' : `${colors.dim(`  (${first}–${last})`)}\n`);
  };
  return {
    end,
    async say(line) {
      await end();
      await write(`${line}\n`);
    },
    async print(event) {
      if (form === 'inline' && (event.type === 'message.delta' || event.type === 'reasoning.delta')) {
        if (running?.type !== event.type) {
          await end();
          running = { type: event.type, first: event.seq, last: event.seq };
          await write(heading(event, colors));
        }
        running.last = event.seq;
        const text = withoutControls(event.data.content).replaceAll('\n', `\n${' '.repeat(INDENT)}`);
        await write(event.type === 'reasoning.delta' ? colors.dim(text) : text);
        return;
      }
      await end();
      const words = withoutControls(eventWords(event)).replaceAll('\n', ' ');
      await write(`${heading(event, colors)}${words}`.trimEnd().concat('\n'));
    },
  };
}

type Colors = ReturnType<typeof pc.createColors>;

const SEQ_WIDTH = 6;
const TYPE_WIDTH = 23;
const INDENT = SEQ_WIDTH + 2 + TYPE_WIDTH;

function heading({ seq, type }: RunEvent, colors: Colors): string {
  const number = colors.dim(String(seq).padStart(SEQ_WIDTH));
  return `${number}  ${paint(type, colors)(withoutControls(type).padEnd(TYPE_WIDTH))}`;
}

function paint(type: string, colors: Colors): (text: string) => string {
  if (type === 'run.completed') return colors.green;
  if (type === 'run.failed' || type === 'run.cancelled') return colors.red;
  if (type === 'message.reset' || type === 'run.cancel_requested') return colors.yellow;
  if (type.startsWith('run.')) return colors.magenta;
  if (type.startsWith('tool.')) return colors.cyan;
  return colors.blue;
}
