import { bounded, errorOfStatus, isRecord, streamBroken } from './model-error.ts';
import type { Outbound } from './outbound.ts';
import { ModelError } from './types.ts';

/** In-stream error types without a status of their own, as chat-completions servers send them. */
const STATUS_BY_ERROR_TYPE: [RegExp, number][] = [
  [/insufficient_quota|rate_limit/i, 429],
  [/authentication|invalid_api_key/i, 401],
  [/permission/i, 403],
  [/not_found/i, 404],
  [/invalid|bad_request|context_length/i, 400],
  [/overload/i, 503],
  [/timeout/i, 504],
];
const UNNAMED_STREAM_ERROR_STATUS = 500;
/** Their messages quote what was received, which may be anyone's text. */
const PROTOCOL_ERRORS = new Set(['AI_JSONParseError', 'AI_TypeValidationError']);

/**
 * Any error of the AI SDK as a ModelError. `outbound.sent` tells a request the SDK refused to build (our caller's fault)
 * from an answer it could not read (the provider's).
 * A ModelError thrown by our own fetch comes wrapped in the SDK's errors: the innermost one is the truth.
 */
export function fromSdkError(error: unknown, outbound: Pick<Outbound, 'sent' | 'redact'>): ModelError {
  for (let cause: unknown = error, depth = 0; depth < 8 && isObject(cause); depth++) {
    if (cause instanceof ModelError) return cause;
    cause = (cause as { cause?: unknown }).cause;
  }
  if (isObject(error)) {
    const { name, message, statusCode } = error as { name?: unknown; message?: unknown; statusCode?: unknown };
    const text = outbound.redact(typeof message === 'string' ? message : String(error));
    if (typeof name === 'string' && PROTOCOL_ERRORS.has(name) && outbound.sent()) {
      return streamBroken('The provider sent something that is not its protocol.');
    }
    if (error instanceof Error && typeof statusCode !== 'number') {
      return outbound.sent()
        ? streamBroken(`The provider's stream broke off: ${text}`)
        : new ModelError('provider.bad_request', bounded(text), { retryable: false });
    }
    return fromErrorFrame(error as Record<string, unknown>, outbound.redact);
  }
  return streamBroken(
    typeof error === 'string' ? outbound.redact(error) : 'The provider reported an error without saying which.',
  );
}

/** An error the provider sent as an event inside its stream. */
function fromErrorFrame(frame: Record<string, unknown>, redact: (text: string) => string): ModelError {
  const inner = isRecord(frame.error) ? frame.error : frame;
  const message = typeof inner.message === 'string' ? inner.message : 'The provider ended the stream with an error.';
  const named = [inner.code, inner.type].filter((it) => typeof it === 'string' || typeof it === 'number');
  const status =
    numericStatus(frame.statusCode) ??
    numericStatus(inner.code) ??
    STATUS_BY_ERROR_TYPE.find(([pattern]) => pattern.test(named.join(' ')))?.[1] ??
    UNNAMED_STREAM_ERROR_STATUS;
  const providerCode = named.includes('insufficient_quota') ? 'insufficient_quota' : undefined;
  return errorOfStatus(status, redact(message), { providerCode });
}

function numericStatus(value: unknown): number | undefined {
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof status === 'number' && status >= 400 && status <= 599 ? status : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
