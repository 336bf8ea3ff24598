/**
 * How much this process works on at a time. What comes beyond is refused before its body is read and before anything is looked up:
 * nothing was accepted, and the client may come again. Event streams that have begun cost a cursor each and do not count.
 */
import type { MiddlewareHandler } from 'hono';
import { HoldfastError } from '../errors.ts';
import type { ApiEnv } from './env.ts';

/** Requests that are worked on at a time. */
export const MAX_REQUESTS_IN_FLIGHT = 2_000;
/** Bytes of their bodies. A body is held several times over on its way to the journal: as text, as values, as rows. */
export const MAX_BODY_BYTES_IN_FLIGHT = 32 * 1_048_576;
/** Seconds after which a refused client may come again. */
const OVERLOAD_RETRY_S = 1;

export type AdmissionLimits = { requests: number; bodyBytes: number };

/** Room for one request's body, given back when the request has its answer. */
export type BodyRoom = {
  /** Errors: `journal.unavailable` when the bodies of all requests together would be too much. */
  take(bytes: number): void;
};

/** Errors: `journal.unavailable` when too many requests are worked on already. */
export function admitRequests(
  limits: AdmissionLimits = { requests: MAX_REQUESTS_IN_FLIGHT, bodyBytes: MAX_BODY_BYTES_IN_FLIGHT },
): MiddlewareHandler<ApiEnv> {
  let requests = 0;
  let bytes = 0;
  return async (c, next) => {
    if (requests >= limits.requests) throw overloaded(`${limits.requests} requests are worked on already`);
    let own = 0;
    c.set('bodyRoom', {
      take(more) {
        if (bytes + more > limits.bodyBytes) {
          throw overloaded(`the bodies of the requests that are worked on hold ${limits.bodyBytes} bytes already`);
        }
        bytes += more;
        own += more;
      },
    });
    requests++;
    try {
      await next();
    } finally {
      requests--;
      bytes -= own;
    }
  };
}

function overloaded(why: string): HoldfastError {
  return new HoldfastError('journal.unavailable', `The server is at its limit: ${why}. Nothing was accepted.`, {
    retryAfterS: OVERLOAD_RETRY_S,
  });
}
