/** From an error to a response, in one place: the status by the code, the body by the dialect that was asked. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Logger } from 'pino';
import { HoldfastError } from '../errors.ts';
import type { ApiEnv } from './env.ts';
import { aboutRun } from './log.ts';
import { atMostEverySecond } from './seldom.ts';

/** What went wrong, ready to be shown to a client. */
export type Failure = {
  status: ContentfulStatusCode;
  code: string;
  message: string;
  traceId: string;
  details?: Record<string, unknown>;
  retryAfterS?: number;
};

/** An API dialect: everything below `base` speaks it, errors included. */
export type Dialect = {
  base: string;
  renderError: (failure: Failure) => object;
  /** Where it answers with another status than the native contract. */
  statusOf?: (failure: Failure) => ContentfulStatusCode;
};

const STATUS_BY_CODE: Record<string, ContentfulStatusCode> = {
  'http.bad_request': 400,
  'http.bad_json': 400,
  'openai.refused': 400,
  'auth.missing_token': 401,
  'auth.invalid_token': 401,
  'auth.forbidden': 403,
  'http.method_not_allowed': 405,
  'threads.busy': 409,
  'runs.not_waiting': 409,
  'runs.not_active': 409,
  'runs.input_stale': 409,
  'runs.input_ambiguous': 409,
  'runs.name_taken': 409,
  'idempotency.in_progress': 409,
  'http.body_too_large': 413,
  'http.unsupported_encoding': 415,
  'validation.failed': 422,
  'idempotency.mismatch': 422,
  'journal.unavailable': 503,
  'journal.outcome_unknown': 503,
};

/** Sent where the core names no time itself. */
const DEFAULT_RETRY_AFTER_S: Partial<Record<ContentfulStatusCode, number>> = { 429: 1, 503: 2 };

/** The HTTP status of a HoldfastError's code; undefined for a code that no client should see. */
export function statusOf(code: string): ContentfulStatusCode | undefined {
  if (code.endsWith('.not_found')) return 404;
  if (code.startsWith('limits.')) return 429;
  return Object.hasOwn(STATUS_BY_CODE, code) ? STATUS_BY_CODE[code] : undefined;
}

/** What a client is told about `error`; of an unexpected one only the trace id. */
export function failureOf(error: unknown, traceId: string): Failure {
  const status = error instanceof HoldfastError ? statusOf(error.code) : undefined;
  if (status === undefined || !(error instanceof HoldfastError)) {
    const message = `The server failed unexpectedly; its log has the cause under trace ${traceId}.`;
    return { status: 500, code: 'internal.error', message, traceId };
  }
  const { code, message, details } = error;
  return { status, code, message, traceId, details, retryAfterS: error.retryAfterS ?? DEFAULT_RETRY_AFTER_S[status] };
}

/** The function that answers every error of the app. The first of `dialects` speaks where none is addressed. */
export function createErrorResponder(dialects: [Dialect, ...Dialect[]], log: Logger) {
  const sayUnavailable = atMostEverySecond((count, fields: object) => {
    log.warn({ ...fields, count }, 'request failed');
  });
  return (error: unknown, c: Context<ApiEnv>): Response => {
    const dialect = dialects.find(({ base }) => isBelow(c.req.path, base)) ?? dialects[0];
    const told = failureOf(error, c.get('traceId'));
    const failure = { ...told, status: dialect.statusOf?.(told) ?? told.status };
    if (failure.status >= 500) {
      const { method, path } = c.req;
      const asked = { ...aboutRun(path), err: error, trace_id: failure.traceId, method, path };
      if (failure.status === 503) sayUnavailable(asked);
      else log.error(asked, 'request failed');
    }
    if (failure.status === 401) {
      c.header('WWW-Authenticate', failure.code === 'auth.invalid_token' ? 'Bearer error="invalid_token"' : 'Bearer');
    }
    // OpenAI's SDKs repeat a 503 by themselves; without a key they would do it twice.
    if (failure.code === 'journal.outcome_unknown' && !c.req.header('idempotency-key')) {
      c.header('x-should-retry', 'false');
    }
    if (failure.retryAfterS !== undefined) c.header('Retry-After', String(Math.ceil(failure.retryAfterS)));
    return c.json(dialect.renderError(failure), failure.status);
  };
}

/** Whether `path` is `base` or below it. */
export function isBelow(path: string, base: string): boolean {
  return path === base || path.startsWith(`${base}/`);
}
