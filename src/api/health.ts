import { type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Holdfast } from '../runs/holdfast.ts';
import type { ApiEnv } from './env.ts';

const Health = z.object({ status: z.literal('ok'), version: z.string() }).openapi('Health');

const Readiness = z
  .object({
    ready: z.boolean(),
    checks: z.record(z.string(), z.object({ state: z.string(), message: z.string().optional() })),
  })
  .openapi('Readiness');

const STOPPING = { state: 'stopping', message: 'This process was told to stop, and soon accepts no more connections.' };

/** `/healthz` and `/readyz`, for everyone. */
export function mountHealth(app: OpenAPIHono<ApiEnv>, holdfast: Holdfast, version: string): void {
  const alive = { description: 'This process answers', content: { 'application/json': { schema: Health } } };
  app.openAPIRegistry.registerPath({
    method: 'get',
    path: '/healthz',
    operationId: 'healthz',
    tags: ['Health'],
    summary: 'Whether the process is alive',
    responses: { 200: alive },
  });
  app.get('/healthz', (c) => c.json({ status: 'ok', version }));

  const readiness = (description: string) => ({ description, content: { 'application/json': { schema: Readiness } } });
  app.openAPIRegistry.registerPath({
    method: 'get',
    path: '/readyz',
    operationId: 'readyz',
    tags: ['Health'],
    summary: 'Whether runs can make progress: the database, Temporal and its workers, each with its own state',
    responses: {
      200: readiness('Every check is `ok`'),
      503: readiness('Something is not; runs may still be accepted and take effect later'),
    },
  });
  app.get('/readyz', async (c) => {
    const headers = { 'Cache-Control': 'no-store' };
    // Told without looking at anything: it must come before the next look of whoever balances.
    if (c.env?.isStopping?.()) return c.json({ ready: false, checks: { server: STOPPING } }, 503, headers);
    const readinessNow = await holdfast.readiness();
    return c.json(readinessNow, readinessNow.ready ? 200 : 503, headers);
  });
}
