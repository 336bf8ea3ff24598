import { HoldfastError } from '../errors.ts';
import type { Route, RouteConfig } from './types.ts';

const DEFAULT_RETRIES = 5;
const DEFAULT_IDLE_TIMEOUT_S = 60;
const DEFAULT_MAX_CONCURRENCY = 50;
/** The demo model costs no provider anything, and load tests run on it. */
const DEFAULT_DEMO_MAX_CONCURRENCY = 1_000;
const DEMO_MODEL = 'demo';

/** The route that the loop and `GET /v1/routes` see: defaults filled in, key and address left out. */
export function describeRoute(config: RouteConfig): Route {
  return {
    id: config.id,
    provider: config.provider,
    model: config.model ?? DEMO_MODEL,
    aliases: [...(config.aliases ?? [])],
    price: config.price ?? null,
    context_tokens: config.context_tokens ?? null,
    retries: config.retries ?? DEFAULT_RETRIES,
    idle_timeout_s: config.idle_timeout_s ?? DEFAULT_IDLE_TIMEOUT_S,
    max_concurrency:
      config.max_concurrency ?? (config.provider === 'demo' ? DEFAULT_DEMO_MAX_CONCURRENCY : DEFAULT_MAX_CONCURRENCY),
    fallback: config.fallback ?? null,
  };
}

/** Refuses a route that could never answer: without its key, model or address. Throws `config.invalid` naming the route. */
export function checkRoute(config: RouteConfig): void {
  if (config.provider === 'demo') return;
  const needs = (field: string, why: string) =>
    new HoldfastError('config.invalid', `Route "${config.id}" (${config.provider}) needs \`${field}\`: ${why}.`);
  if (!config.model) throw needs('model', 'the name of the model at the provider');
  if (config.provider === 'openai-compatible') {
    if (!config.base_url) throw needs('base_url', 'the address up to and including /v1');
  } else if (!config.api_key) {
    throw needs('api_key', 'the key, best as a variable of the environment');
  }
  if (config.base_url && !/^https?:$/.test(URL.parse(config.base_url)?.protocol ?? '')) {
    throw needs('base_url', `an http or https address, not "${config.base_url}"`);
  }
}
