import type { Context, Hono, MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { ApiEnv } from './env.ts';
import { isBelow } from './errors.ts';
import { publicPath } from './paths.ts';
import { parentIdFrom } from './trace.ts';

const MS_PER_SECOND = 1_000;
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Counts and times every request, and makes a span of those to a dialect. A stream's time is that to its first byte. */
export function observeRequests(
  { metrics, tracing }: Telemetry,
  dialects: readonly { base: string }[],
): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const method = METHODS.has(c.req.method) ? c.req.method : 'other';
    const endpoint = endpointOf(c);
    const begun = performance.now();
    if (tracing.on && dialects.some(({ base }) => isBelow(c.req.path, base))) {
      const trace_id = c.get('traceId');
      const parent = parentIdFrom(c.req.header('traceparent'), trace_id);
      await tracing.span({ name: `${method} ${endpoint}`, kind: 'server', trace_id, parent }, async (span) => {
        await next();
        span.attributes = {
          'http.request.method': method,
          'http.route': endpoint,
          'http.response.status_code': c.res.status,
        };
        if (c.res.status >= 500) span.error = String(c.res.status);
      });
    } else await next();
    metrics.httpSeconds.observe({ method, endpoint }, (performance.now() - begun) / MS_PER_SECOND);
    metrics.httpRequests.inc({ method, endpoint, status: c.res.status });
  };
}

/** The pattern that the path matched, as the document writes it: nothing of what a client wrote. */
function endpointOf(c: Context<ApiEnv>): string {
  const handler = matchedRoutes(c).findLast(({ method }) => method !== 'ALL' && method !== 'OPTIONS');
  return handler ? publicPath(handler.path.replaceAll(/\/:(\w+)/g, '/{$1}')) : 'none';
}

/** `/metrics`, for everyone, as Prometheus's text: it holds nothing of any tenant. */
export function mountMetrics(app: Hono<ApiEnv>, { metrics }: Telemetry): void {
  app.get('/metrics', async (c) =>
    c.body(await metrics.text(), 200, { 'Content-Type': metrics.registry.contentType, 'Cache-Control': 'no-store' }),
  );
}
