import { randomBytes } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from './env.ts';

// https://www.w3.org/TR/trace-context/#traceparent-header: lower case only; a later version may append fields.
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;
const ZERO_TRACE = '0'.repeat(32);
const ZERO_PARENT = '0'.repeat(16);
const TRACE_ID_BYTES = 16;

/** The trace that `traceparent` continues, else a new one: 32 hex digits. An invalid header starts a new trace. */
export function traceIdFrom(traceparent: string | undefined): string {
  const [, version, traceId, parentId, more] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  const usable =
    traceId !== undefined &&
    traceId !== ZERO_TRACE &&
    parentId !== ZERO_PARENT &&
    (version !== '00' || more === undefined);
  return usable ? traceId : newTraceId();
}

/** The span of the caller that `traceparent` names, when it continues that trace. */
export function parentIdFrom(traceparent: string | undefined, traceId: string): string | undefined {
  const [, , continued, parentId] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  return continued === traceId ? parentId : undefined;
}

export function newTraceId(): string {
  return randomBytes(TRACE_ID_BYTES).toString('hex');
}

/** Gives every request its trace id and every response, errors included, its `X-Trace-Id`. */
export function trace(): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const traceId = traceIdFrom(c.req.header('traceparent'));
    c.set('traceId', traceId);
    c.header('X-Trace-Id', traceId);
    await next();
  };
}
