import type { MiddlewareHandler } from 'hono';
import { HoldfastError } from '../errors.ts';
import type { Holdfast } from '../runs/holdfast.ts';
import type { Caller, Scope } from '../runs/types.ts';
import type { ApiEnv } from './env.ts';

const BEARER = /^bearer +(\S+) *$/i;

/** Finds the caller behind the bearer token. Errors: `auth.missing_token`, `auth.invalid_token`. */
export function authenticate(holdfast: Holdfast): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const [, token] = BEARER.exec(c.req.header('authorization') ?? '') ?? [];
    if (token === undefined) {
      throw new HoldfastError('auth.missing_token', 'Send your API key as "Authorization: Bearer <api key>".');
    }
    c.set('caller', await holdfast.authenticate(token, c.get('traceId')));
    await next();
  };
}

/** Refuses a caller without `scope`. `admin` has every scope; `runs:write` does not include `runs:read`. */
export function requireScope(caller: Caller, scope: Scope): void {
  if (caller.scopes.includes(scope) || caller.scopes.includes('admin')) return;
  throw new HoldfastError('auth.forbidden', `This API key lacks the scope ${scope}.`, {
    details: { required_scope: scope, scopes: caller.scopes },
  });
}
