/** The forms in which native endpoints answer. */
import type { Context } from 'hono';
import type { Effect, PageOf } from '../../runs/types.ts';
import type { ApiEnv } from '../env.ts';
import { linkNext } from '../link.ts';

/** The headers of a list and a POST, for the document. */
export const LINK_HEADER = { Link: '`<…>; rel="next"` when more items follow' };
export const REPLAYED_HEADER = { 'Idempotency-Replayed': '`true` when an earlier request had this effect' };

/**
 * A page as a bare array. When more follow, `Link` leads on: this request's address with `cursor` set to the id of the
 * last item.
 */
export function list<T, Shown>(
  c: Context<ApiEnv>,
  page: PageOf<T>,
  idOf: (item: T) => string,
  options: { cursor?: 'before' | 'after'; show?: (item: T) => Shown } = {},
): Response {
  const last = page.items.at(-1);
  if (page.more && last !== undefined) linkNext(c, options.cursor ?? 'before', idOf(last));
  return c.json(options.show ? page.items.map(options.show) : page.items);
}

/** Says whether a POST's effect is an earlier request's, and returns it. */
export function noteReplay<T>(c: Context<ApiEnv>, effect: Effect<T>): T {
  if (effect.replayed) c.header('Idempotency-Replayed', 'true');
  return effect.value;
}
