import type { Route, Usage } from './types.ts';

const TOKENS_PER_PRICE_UNIT = 1_000_000;

/**
 * What `usage` cost in USD at this route's prices (USD per million tokens), or null when the route has no price.
 * Cached input tokens cost `cached_input`, or `input` where that is not given.
 */
export function costUsd(route: Pick<Route, 'price'>, usage: Usage): number | null {
  if (route.price === null) return null;
  const { input, cached_input = input, output } = route.price;
  const cached = Math.min(usage.cached_input_tokens, usage.input_tokens);
  const fresh = usage.input_tokens - cached;
  return (fresh * input + cached * cached_input + usage.output_tokens * output) / TOKENS_PER_PRICE_UNIT;
}
