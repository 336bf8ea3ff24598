/** `wait`: the run sleeps until a time, and holds nothing meanwhile. */
import type { TimerLength } from '../journal/timers.ts';
import type { ToolSpec } from '../models/types.ts';

export const WAIT = 'wait';
/** The longest a run may sleep at a time. */
const MAX_WAIT_S = 31_536_000;
const MS_PER_SECOND = 1_000;
/** RFC 3339: a time without its offset would mean another moment on another machine. */
const INSTANT = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/i;

export const waitTool: ToolSpec = {
  name: WAIT,
  description: 'Wait for a number of seconds, or until a time. Nothing else happens meanwhile. Give one of the two.',
  parameters: {
    type: 'object',
    properties: {
      seconds: { type: 'number', minimum: 0, maximum: MAX_WAIT_S },
      until: { type: 'string', description: 'RFC 3339 with an offset, as 2026-11-22T10:00:00Z.' },
    },
    additionalProperties: false,
  },
};

/** How long a call of `wait` takes, or what is wrong with its arguments, as the model is told. A time that is past is over at once. */
export function readWait(args: unknown, now: number): { wait: TimerLength } | { error: string } {
  const { seconds, until, ...rest } = (args ?? {}) as { seconds?: unknown; until?: unknown };
  if (Object.keys(rest).length > 0 || (seconds === undefined) === (until === undefined)) {
    return { error: 'wait needs either {"seconds": 60} or {"until": "2026-11-22T10:00:00Z"}.' };
  }
  if (until === undefined) {
    const fits = typeof seconds === 'number' && seconds >= 0 && seconds <= MAX_WAIT_S;
    return fits
      ? { wait: { ms: Math.ceil(seconds * MS_PER_SECOND) } }
      : { error: `seconds is a number from 0 to ${MAX_WAIT_S}.` };
  }
  const at = typeof until === 'string' ? readInstant(until) : Number.NaN;
  if (Number.isNaN(at)) return { error: 'until is a time with its offset, as 2026-11-22T10:00:00Z.' };
  if (at - now > MAX_WAIT_S * MS_PER_SECOND) return { error: `until is at most ${MAX_WAIT_S} seconds away.` };
  return { wait: { until: at } };
}

/** Milliseconds since 1970; NaN for what is no time, 30 February among it, which Date.parse takes for the 2nd of March. */
function readInstant(text: string): number {
  const [, year, month, day] = INSTANT.exec(text) ?? [];
  const isDay = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day);
  return isDay ? Date.parse(text) : Number.NaN;
}
