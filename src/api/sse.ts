import type { Context } from 'hono';
import type { EventStream } from '../runs/types.ts';
import type { ApiEnv } from './env.ts';

/** `x-accel-buffering` keeps nginx from holding events back. */
export const SSE_HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache',
  'X-Accel-Buffering': 'no',
};

/** Aborts when this request's client goes away or the server stops. */
export function readerSignal(c: Context<ApiEnv>): AbortSignal {
  return c.env?.readerSignal?.() ?? c.req.raw.signal;
}

/** Answers with the stream. */
export function streamEvents(c: Context<ApiEnv>, stream: EventStream, status: 200 | 201 = 200): Response {
  return c.body(stream.body, status, SSE_HEADERS);
}
