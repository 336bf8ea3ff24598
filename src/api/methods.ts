import type { Hono } from 'hono';
import type { Handler, NotFoundHandler } from 'hono/types';
import { HoldfastError } from '../errors.ts';
import type { ApiEnv } from './env.ts';
import type { createErrorResponder } from './errors.ts';
import { publicPath } from './paths.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** The methods that `path` answers; empty when there is no such path. */
function allowedMethods(app: Hono<ApiEnv>, path: string): string[] {
  const routed = METHODS.filter((method) =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method),
  );
  if (routed.length === 0) return [];
  return [...routed, ...(routed.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];
}

/** 405 with `Allow` for a path that other methods answer, else 404 `http.not_found`. */
export function notFound(app: Hono<ApiEnv>, respond: ReturnType<typeof createErrorResponder>): NotFoundHandler<ApiEnv> {
  return (c) => {
    const allowed = allowedMethods(app, c.req.path);
    const path = publicPath(c.req.path);
    if (allowed.length === 0) return respond(new HoldfastError('http.not_found', `There is no ${path} here.`), c);
    c.header('Allow', allowed.join(', '));
    const message = `${path} answers ${allowed.join(', ')}, not ${c.req.method}.`;
    return respond(new HoldfastError('http.method_not_allowed', message, { details: { allowed } }), c);
  };
}

/** OPTIONS: 204 with `Allow`, for everyone. There is no CORS: a page of another origin cannot call this server. */
export function options(app: Hono<ApiEnv>): Handler<ApiEnv> {
  return (c) => {
    const allowed = allowedMethods(app, c.req.path);
    if (allowed.length === 0) return c.notFound();
    return c.body(null, 204, { Allow: allowed.join(', ') });
  };
}
