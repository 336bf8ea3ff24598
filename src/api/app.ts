import { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import type { Logger } from 'pino';
import type { Holdfast } from '../runs/holdfast.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { type AdmissionLimits, admitRequests } from './admission.ts';
import { authenticate } from './auth.ts';
import { docsPage } from './docs.ts';
import type { ApiEnv } from './env.ts';
import { createErrorResponder, type Dialect } from './errors.ts';
import { mountHealth } from './health.ts';
import { InFlight } from './idempotency.ts';
import { logRequests } from './log.ts';
import { notFound, options } from './methods.ts';
import { mountMetrics, observeRequests } from './observe.ts';
import { buildDocument } from './openapi.ts';
import { routedPath } from './paths.ts';
import { limitRequests } from './rate-limit.ts';
import { trace } from './trace.ts';

export type AppOptions = {
  log: Logger;
  version: string;
  telemetry: Telemetry;
  /** As in holdfast.yaml; absent: no limit. */
  limits?: { requests_per_minute?: number };
  /** What is worked on at a time; absent: as the constants say. */
  admission?: AdmissionLimits;
};

/** A dialect with its endpoints. */
export type ApiDialect = Dialect & {
  /** Runs ahead of everything else below `base`, authentication included. */
  before?: MiddlewareHandler<ApiEnv>;
  /** `inFlight` refuses a keyed POST that is repeated while it runs, whichever dialects the two speak. */
  mount(app: OpenAPIHono<ApiEnv>, holdfast: Holdfast, inFlight: InFlight): void;
};

/** The HTTP API over the core: its dialects, health, the OpenAPI document and its page. Answers only, holds no socket. */
export function createApp(
  holdfast: Holdfast,
  dialects: [ApiDialect, ...ApiDialect[]],
  { log, version, telemetry, limits, admission }: AppOptions,
): OpenAPIHono<ApiEnv> {
  const respond = createErrorResponder(dialects, log);
  const app = new OpenAPIHono<ApiEnv>({ getPath: routedPath });
  app.onError(respond);
  app.notFound(notFound(app, respond));

  app.use(trace());
  app.use(observeRequests(telemetry, dialects));
  app.use(logRequests(log));
  app.on('OPTIONS', '*', options(app));
  const admit = admitRequests(admission);
  for (const { base, before } of dialects) {
    if (before) app.use(`${base}/*`, before);
    app.use(`${base}/*`, admit);
    app.use(`${base}/*`, authenticate(holdfast));
  }
  if (limits?.requests_per_minute !== undefined) {
    const limit = limitRequests(limits.requests_per_minute);
    for (const { base } of dialects) app.use(`${base}/*`, limit);
  }

  const inFlight = new InFlight();
  for (const dialect of dialects) dialect.mount(app, holdfast, inFlight);
  mountHealth(app, holdfast, version);
  mountMetrics(app, telemetry);

  const document = buildDocument(app, version);
  const page = docsPage(document);
  app.get('/openapi.json', (c) => c.json(document));
  app.get('/docs', (c) => c.html(page, 200, DOCS_HEADERS));
  return app;
}

/** The page is text and style alone. */
const DOCS_HEADERS = { 'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'" };
