import { bounded, errorOfStatus, readErrorBody, streamBroken } from './model-error.ts';
import { readRetryAfter } from './retry-after.ts';
import { ModelError } from './types.ts';

const ERROR_BODY_LIMIT_BYTES = 64 * 1024;
const KEY_SHAPED = /\bsk-[A-Za-z0-9_*-]{4,}/g;
const TIMEOUT_CODES = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'ETIMEDOUT',
]);

export type Outbound = {
  fetch: typeof globalThis.fetch;
  /** Whether the provider has been asked; before that, an error is about the request we were given. */
  sent(): boolean;
  /** A text without the route's key, or anything that looks like one. */
  redact(text: string): string;
};

/**
 * The only way out of the model layer: a fetch for one step that talks to `baseUrl`'s origin alone, follows no
 * redirect, repeats nothing, calls `onBytes` for whatever arrives, and throws a ModelError for everything that goes wrong.
 * The route's key never appears in an error's message.
 */
export function openOutbound(baseUrl: string, key: string | undefined, onBytes: () => void): Outbound {
  const origin = new URL(baseUrl).origin;
  let sent = false;
  const redact = (text: string) => (key ? text.replaceAll(key, '[key]') : text).replace(KEY_SHAPED, '[key]');

  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== origin) {
      throw new ModelError('provider.failed', `Refused to send a request to ${url.host}.`, { retryable: false });
    }
    sent = true;
    let response: Response;
    try {
      response = await globalThis.fetch(url, { ...init, redirect: 'manual' });
    } catch (error) {
      if (init?.signal?.aborted) throw init.signal.reason;
      throw unreachable(error, redact);
    }
    onBytes();
    if (!response.ok) throw await refusal(response, redact);
    if (response.body === null) return response;
    return new Response(watched(response.body, onBytes, redact), {
      status: response.status,
      headers: response.headers,
    });
  };
  return { fetch, sent: () => sent, redact };
}

async function refusal(response: Response, redact: (text: string) => string): Promise<ModelError> {
  if (response.status < 400) {
    await response.body?.cancel();
    return errorOfStatus(
      response.status,
      `The provider redirects (HTTP ${response.status}); set base_url to its address.`,
    );
  }
  const { message, code } = readErrorBody(await readStart(response));
  return errorOfStatus(response.status, redact(message), {
    retryAfterMs: readRetryAfter(response.headers),
    providerCode: code,
  });
}

/** The start of an error body; a connection that breaks there still leaves the status to report. */
async function readStart(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  if (response.body === null) return text;
  try {
    for await (const bytes of response.body) {
      text += decoder.decode(bytes, { stream: true });
      if (text.length >= ERROR_BODY_LIMIT_BYTES) break;
    }
  } catch (error) {
    return text || `The error body could not be read: ${describe(error)}`;
  }
  return text;
}

function watched(
  body: ReadableStream<Uint8Array>,
  onBytes: () => void,
  redact: (text: string) => string,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        onBytes();
        controller.enqueue(value);
      } catch (error) {
        const code = networkCode(error);
        controller.error(
          code !== undefined && TIMEOUT_CODES.has(code)
            ? new ModelError('provider.timeout', `The provider fell silent (${code}).`, { retryable: true })
            : streamBroken(redact(`The provider's stream broke off: ${describe(error)}`)),
        );
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function unreachable(error: unknown, redact: (text: string) => string): ModelError {
  const code = networkCode(error);
  const message = bounded(redact(`The provider cannot be reached: ${describe(error)}`));
  if (code === undefined) return new ModelError('provider.failed', message, { retryable: false });
  return new ModelError(TIMEOUT_CODES.has(code) ? 'provider.timeout' : 'provider.unavailable', message, {
    retryable: true,
  });
}

/** The system's or undici's code of a network error; undefined where the request itself was wrong. */
function networkCode(error: unknown): string | undefined {
  const cause = error instanceof Error ? (error.cause ?? error) : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && code !== 'ERR_INVALID_URL' ? code : undefined;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause;
  if (!(cause instanceof Error)) return error.message;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  return (cause.message.includes(code) ? cause.message : `${code} ${cause.message}`).trim() || error.message;
}
