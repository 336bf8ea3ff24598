/** A run's event stream that outlives its connections. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, isHoldfastError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { isTerminal, parseRunEvent, type RunEvent } from './run-event.ts';
import { readSse } from './sse.ts';

export type EventsOptions = {
  /** Only events after this seq. Default 0: all. */
  afterSeq?: number;
  /** Stay until the terminal event (default), or end after what is stored. */
  follow?: boolean;
  signal?: AbortSignal;
  /** Told of every connection that was lost: the seq after which the stream will go on. */
  onReconnect?: (afterSeq: number, cause: unknown) => void;
  /** How long to go on trying without an answer before the stream throws. */
  giveUpAfterMs?: number;
};

const FIRST_RECONNECT_MS = 100;
const LAST_RECONNECT_MS = 2_000;
const GIVE_UP_AFTER_MS = 120_000;
/** The server sends something at least every 15 s: three of them missed is a dead connection. */
const SILENCE_MS = 45_000;

/**
 * The events after `afterSeq`, in order and without a gap, until the terminal one. A dropped connection is opened again after
 * the last seq. Throws `client.event_gap` when a seq is not the one after the last, `client.unreachable` when no answer came
 * for `giveUpAfterMs`, and what the server refuses.
 */
export async function* followEvents(
  connection: Connection,
  runId: string,
  { afterSeq = 0, follow = true, signal, onReconnect, giveUpAfterMs = GIVE_UP_AFTER_MS }: EventsOptions = {},
): AsyncGenerator<RunEvent> {
  let last = afterSeq;
  let failures = 0;
  let failingSince: number | undefined;
  for (;;) {
    const attention = attentive(signal);
    let dropped: unknown;
    try {
      const response = await connection.send('GET', eventsPath(runId, last, follow), {
        accept: 'text/event-stream',
        signal: attention.signal,
      });
      failingSince = undefined;
      if (response.status === 204) return;
      for await (const event of eventsOf(response, attention.refresh)) {
        if (event.seq !== last + 1) throw gap(runId, last, event.seq);
        last = event.seq;
        failures = 0;
        yield event;
        if (isTerminal(event)) return;
      }
      if (!follow) return;
      dropped = new HoldfastError('client.unreachable', 'the stream ended before the run did');
    } catch (error) {
      signal?.throwIfAborted();
      dropped = attention.signal.aborted ? attention.signal.reason : error;
      failingSince ??= Date.now();
      if (!mayPass(dropped) || Date.now() - failingSince >= giveUpAfterMs) throw dropped;
    } finally {
      attention.end();
    }
    if (failures === 0) onReconnect?.(last, dropped);
    await pause(pauseMs(failures++, dropped), signal);
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, { ...(signal && { signal }) });
  } finally {
    signal?.throwIfAborted(); // the caller's reason, in place of the timer's AbortError
  }
}

function eventsPath(runId: string, afterSeq: number, follow: boolean): string {
  return `/v1/runs/${encodeURIComponent(runId)}/events?after_seq=${afterSeq}&follow=${follow}`;
}

async function* eventsOf(response: Response, onBytes: () => void): AsyncGenerator<RunEvent> {
  const type = response.headers.get('content-type') ?? 'nothing';
  if (!response.body || !type.startsWith('text/event-stream')) {
    await response.body?.cancel();
    throw new HoldfastError('client.unexpected_answer', `expected text/event-stream from ${response.url}, got ${type}`);
  }
  for await (const { data } of readSse(response.body, onBytes)) yield parseRunEvent(data);
}

/** A signal that aborts with the caller's, or when nothing arrived for SILENCE_MS. */
function attentive(signal: AbortSignal | undefined) {
  const silence = new AbortController();
  const timer = setTimeout(() => {
    silence.abort(new HoldfastError('client.unreachable', `nothing arrived for ${SILENCE_MS / 1000} s`));
  }, SILENCE_MS);
  return {
    signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
    refresh: () => timer.refresh(),
    end: () => clearTimeout(timer),
  };
}

function gap(runId: string, last: number, seq: number): HoldfastError {
  return new HoldfastError('client.event_gap', `${runId}: event ${seq} came after event ${last}`, {
    details: { expected: last + 1, received: seq },
  });
}

/** Whether asking again may help: the server is away, or it says that it is for a moment. */
function mayPass(error: unknown): boolean {
  if (error instanceof TypeError && error.cause !== undefined) return true; // a body that broke off
  if (!isHoldfastError(error)) return false;
  return error.code === 'client.unreachable' || PASSING_STATUSES.has(Number(error.details?.status));
}

const PASSING_STATUSES = new Set([429, 502, 503, 504]);

function pauseMs(failures: number, error: unknown): number {
  const asked = isHoldfastError(error) ? (error.retryAfterS ?? 0) * 1000 : 0;
  return Math.max(asked, Math.min(FIRST_RECONNECT_MS * 2 ** failures, LAST_RECONNECT_MS));
}
