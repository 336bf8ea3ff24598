import type { MiddlewareHandler } from 'hono';
import type { Logger } from 'pino';
import type { ApiEnv } from './env.ts';

/** One debug line for each request: never its query, headers or body. A stream's time is that to its first byte. */
export function logRequests(log: Logger): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const begun = performance.now();
    await next();
    const duration_ms = Math.round(performance.now() - begun);
    const { method, path } = c.req;
    log.debug({ trace_id: c.get('traceId'), method, path, status: c.res.status, duration_ms }, 'request');
  };
}
