import type { Context } from 'hono';
import type { ApiEnv } from './env.ts';

/** Says with `Link` where a bare array goes on: at this request's address with `cursor` set to the id of its last item. */
export function linkNext(c: Context<ApiEnv>, cursor: 'before' | 'after', id: string): void {
  const url = new URL(c.req.url);
  url.searchParams.set(cursor, id);
  c.header('Link', `<${url.pathname}${url.search}>; rel="next"`);
}
