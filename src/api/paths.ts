/**
 * Paths with a verb (`/v1/runs/{run_id}:cancel`). Hono cannot route a colon after a parameter, so such a route is
 * declared as `/v1/runs/{run_id}/~cancel` and the request's path is rewritten before routing.
 */
import { getPath } from 'hono/utils/url';

const VERB_PATH = /^(.*\/[^/:]+):([A-Za-z]+)$/;
const LITERAL_VERB = /(?<=\/)~/g;

/** The path to route a request by. `%3A` counts as the colon; `/~` written by the client matches no route. */
export function routedPath(request: Request): string {
  const path = getPath(request).replace(LITERAL_VERB, '%7E');
  const slash = path.lastIndexOf('/');
  const [, resource, verb] = VERB_PATH.exec(path.slice(0, slash) + path.slice(slash).replace(/%3a/gi, ':')) ?? [];
  return resource === undefined ? path : `${resource}/~${verb}`;
}

/** The path as clients write it: the reverse of `routedPath`, for documents and fingerprints. */
export function publicPath(routed: string): string {
  return routed.replace(/\/~([A-Za-z]+)$/, ':$1');
}
