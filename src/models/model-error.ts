import { ModelError, type ModelErrorCode } from './types.ts';

const MESSAGE_LIMIT = 500;
const HTTP_TIMEOUT_STATUS = 408;
const HTTP_CONFLICT_STATUS = 409;
const HTTP_TOO_MANY_REQUESTS = 429;

/**
 * The error an HTTP status of a provider means. 408, 409, 429 and 5xx may succeed later (as OpenAI's and Anthropic's
 * own clients have it); everything else would fail again. `insufficient_quota` is a 429 that no waiting heals.
 */
export function errorOfStatus(
  status: number,
  message: string,
  options: { retryAfterMs?: number; providerCode?: string } = {},
): ModelError {
  const [code, retryable] = meaningOf(status);
  const outOfQuota = options.providerCode === 'insufficient_quota';
  return new ModelError(code, bounded(message) || `The provider answered HTTP ${status}.`, {
    retryable: retryable && !outOfQuota,
    status,
    retryAfterMs: options.retryAfterMs,
  });
}

function meaningOf(status: number): [ModelErrorCode, boolean] {
  if (status === HTTP_TOO_MANY_REQUESTS) return ['provider.rate_limited', true];
  if (status === HTTP_TIMEOUT_STATUS) return ['provider.timeout', true];
  if (status === HTTP_CONFLICT_STATUS || status >= 500) return ['provider.unavailable', true];
  if (status === 401) return ['provider.unauthorized', false];
  if (status === 403) return ['provider.forbidden', false];
  if (status === 404) return ['provider.not_found', false];
  if (status >= 400) return ['provider.bad_request', false];
  return ['provider.failed', false];
}

/** The connection ended before the provider had finished. */
export function streamBroken(message: string): ModelError {
  return new ModelError('provider.stream_broken', bounded(message), { retryable: true });
}

/** A message short enough for an event. */
export function bounded(message: string): string {
  return message.length <= MESSAGE_LIMIT ? message : `${message.slice(0, MESSAGE_LIMIT - 1)}…`;
}

/** What a provider says in a JSON error body: `{error: {message, code}}`, `{error: "…"}`, `{message}`, `{detail}`. */
export function readErrorBody(text: string): { message: string; code?: string } {
  const body = parseJson(text);
  if (isRecord(body)) {
    const inner = isRecord(body.error) ? body.error : body;
    const message = [inner.message, body.error, inner.detail].find((it) => typeof it === 'string');
    const code = [inner.code, inner.type].find((it) => typeof it === 'string');
    if (typeof message === 'string') return { message, ...(typeof code === 'string' && { code }) };
  }
  return { message: /^\s*</.test(text) ? '' : text.trim() };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not JSON: the text itself is then the message.
  }
}

/** Whether `value` is an object with named fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
