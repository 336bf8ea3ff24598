import { Hono } from 'hono';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { ApiEnv } from './env.ts';
import { mountMetrics } from './observe.ts';

/** What a process without an API answers: `/metrics`, and `/healthz` for whoever restarts it. */
export function createWorkerApp(telemetry: Telemetry, version: string): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.get('/healthz', (c) => c.json({ status: 'ok', version }));
  mountMetrics(app, telemetry);
  return app;
}
