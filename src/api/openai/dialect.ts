import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Dialect, Failure } from '../errors.ts';
import { NOT_FOUND, REFUSED } from './refusals.ts';

/** `{error: {message, type, param, code}}`, as OpenAI's SDKs read it. */
export type ErrorBody = { message: string; type: string; param: string | null; code: string | null };

/** Errors as OpenAI's API writes them, below `base`. */
export const openAiErrors = (base: string): Dialect => ({
  base,
  statusOf,
  renderError: (failure) => ({ error: errorBody(failure) }),
});

/** Conflicts that stay 409: a request that may be repeated as it is, and a name that Minds gave to another run. */
const CONFLICTS = ['idempotency.in_progress', 'runs.name_taken'];

/** A conflict is 400, as the original's was: the SDKs would repeat a 409. A method that a path lacks is an unknown address. */
function statusOf({ status, code }: Failure): ContentfulStatusCode {
  if (code === 'http.method_not_allowed') return 404;
  if (status === 422 || (status === 409 && !CONFLICTS.includes(code))) return 400;
  return status;
}

export function errorBody({ status, code, message, details }: Failure): ErrorBody {
  const body = (type: string, own: Partial<ErrorBody> = {}): ErrorBody => ({
    message,
    type,
    param: null,
    code: null,
    ...own,
  });
  if (code === REFUSED || code === NOT_FOUND) {
    const { param = null, code: own = null } = (details ?? {}) as Partial<ErrorBody>;
    return body('invalid_request_error', { param, code: own });
  }
  if (code === 'validation.failed') {
    const [issue] = (details?.issues ?? []) as { path: string }[];
    const path = issue?.path === 'persona_id' ? 'assistant_id' : (issue?.path ?? '');
    return body('invalid_request_error', { param: bracketed(path), code: 'invalid_value' });
  }
  if (code === 'auth.invalid_token') return body('invalid_request_error', { code: 'invalid_api_key' });
  if (status === 429) return body('requests', { code: 'rate_limit_exceeded' });
  return body(status >= 500 ? 'server_error' : 'invalid_request_error');
}

/** `tools.0.function` as OpenAI writes it: `tools[0].function`. */
function bracketed(path: string): string | null {
  return path === '' ? null : path.replaceAll(/\.(\d+)(?=\.|$)/g, '[$1]');
}
