import type { MiddlewareHandler } from 'hono';
import type { Logger } from 'pino';
import type { ApiEnv } from './env.ts';

const RUN_ID = /(?<=\/)run_[0-9a-z]+/;

/** The run that a path names. */
export function aboutRun(path: string): { run_id?: string } {
  const [run_id] = RUN_ID.exec(path) ?? [];
  return run_id === undefined ? {} : { run_id };
}

/** One debug line for each request: never its query, headers or body. A stream's time is that to its first byte. */
export function logRequests(log: Logger): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const begun = performance.now();
    await next();
    const duration_ms = Math.round(performance.now() - begun);
    const { method, path } = c.req;
    const { status } = c.res;
    log.debug({ ...aboutRun(path), trace_id: c.get('traceId'), method, path, status, duration_ms }, 'request');
  };
}
