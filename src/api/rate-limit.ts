import type { MiddlewareHandler } from 'hono';
import { HoldfastError } from '../errors.ts';
import type { ApiEnv } from './env.ts';

const MS_PER_MINUTE = 60_000;

type Bucket = { tokens: number; at: number };

/**
 * At most `perMinute` requests a minute for each organisation, as a token bucket: a quiet organisation may send a whole
 * minute's requests at once. The count is this process's own. `now` is in milliseconds and never goes back.
 * Errors: `limits.requests_per_minute`.
 */
export function limitRequests(perMinute: number, now = () => performance.now()): MiddlewareHandler<ApiEnv> {
  const buckets = new Map<string, Bucket>();
  return async (c, next) => {
    const { org_id } = c.get('caller');
    const at = now();
    const bucket = buckets.get(org_id) ?? { tokens: perMinute, at };
    bucket.tokens = Math.min(perMinute, bucket.tokens + ((at - bucket.at) * perMinute) / MS_PER_MINUTE);
    bucket.at = at;
    buckets.set(org_id, bucket);
    if (bucket.tokens < 1) {
      const waitMs = ((1 - bucket.tokens) * MS_PER_MINUTE) / perMinute;
      throw new HoldfastError('limits.requests_per_minute', `More than ${perMinute} requests a minute.`, {
        details: { limit: perMinute },
        retryAfterS: Math.max(1, Math.ceil(waitMs / 1000)),
      });
    }
    bucket.tokens -= 1;
    await next();
  };
}
