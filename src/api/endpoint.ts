/**
 * An endpoint is declared once: its path, scope and schemas are what the OpenAPI document says and what a request is
 * held to. zod-openapi's own validation is not used, because it refuses a JSON body that `curl -d` calls a form, lets
 * repeated and unknown query parameters through, and hides the body from the idempotency fingerprint.
 */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HoldfastError } from '../errors.ts';
import type { Caller, Idempotency, Scope } from '../runs/types.ts';
import { requireScope } from './auth.ts';
import { readJson } from './body.ts';
import { describeEndpoint } from './describe-endpoint.ts';
import type { ApiEnv } from './env.ts';
import { type InFlight, idempotencyOf } from './idempotency.ts';
import { publicPath } from './paths.ts';
import { invalid, parse } from './validation.ts';

/** A part of the path. A value that `pattern` refuses names nothing: 404 `<resource>.not_found`. */
export type PathParam = { resource: string; pattern: RegExp; description: string };

/** What an endpoint answers when it does not fail, by status. */
export type Answers = Record<
  number,
  { description: string; json?: z.ZodType; events?: true; headers?: Record<string, string> }
>;

export type Endpoint<Params extends string, Query extends z.ZodObject, Body extends z.ZodType> = {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** In OpenAPI's form; a verb is written `/~verb`, see paths.ts. */
  path: string;
  scope: Scope;
  id: string;
  tag: string;
  summary: string;
  description?: string;
  params?: Record<Params, PathParam>;
  query?: Query;
  /** Request headers to document; the handler reads them itself. */
  headers?: Record<string, string>;
  body?: Body;
  /** An empty body counts as `{}`; otherwise it is 400 `http.bad_json`. */
  bodyMayBeEmpty?: boolean;
  answers: Answers;
  /** The codes of its 409s. */
  conflicts?: string[];
};

/** A request that was found to be as the endpoint says. */
export type Asked<Params extends string, Query, Body> = {
  c: Context<ApiEnv>;
  caller: Caller;
  params: Record<Params, string>;
  query: Query;
  body: Body;
  /** Of a POST with an `Idempotency-Key`. */
  once: Idempotency | undefined;
};

export type Mount = <
  Params extends string = never,
  Query extends z.ZodObject = typeof NoQuery,
  Body extends z.ZodType = z.ZodUndefined,
>(
  endpoint: Endpoint<Params, Query, Body>,
  answer: (asked: Asked<Params, z.output<Query>, z.output<Body>>) => Promise<Response> | Response,
) => void;

const NoQuery = z.strictObject({});

/** The function that adds endpoints to `app`. A keyed POST that is repeated while it runs is refused by `inFlight`. */
export function createMount(app: OpenAPIHono<ApiEnv>, inFlight: InFlight): Mount {
  return (endpoint, answer) => {
    app.openAPIRegistry.registerPath(describeEndpoint(endpoint));
    app.on(endpoint.method, endpoint.path.replaceAll(/{(\w+)}/g, ':$1'), async (c) => {
      const caller = c.get('caller');
      requireScope(caller, endpoint.scope);
      const params = readParams(c, endpoint.params);
      const query = parse(endpoint.query ?? NoQuery, readQuery(c.req.url), 'query parameter') as z.output<
        NonNullable<(typeof endpoint)['query']>
      >;
      const sent = endpoint.body ? await readJson(c.req.raw, c.get('bodyRoom')) : undefined;
      const body = parseBody(endpoint, sent) as z.output<NonNullable<(typeof endpoint)['body']>>;
      const once =
        endpoint.method === 'post'
          ? idempotencyOf(c.req.header('idempotency-key'), {
              method: c.req.method,
              path: publicPath(c.req.path),
              body: sent,
            })
          : undefined;
      return await inFlight.run(
        caller.org_id,
        once,
        async () => await answer({ c, caller, params, query, body, once }),
      );
    });
  };
}

function readParams<Params extends string>(
  c: Context<ApiEnv>,
  params: Record<Params, PathParam> | undefined,
): Record<Params, string> {
  const entries = Object.entries<PathParam>(params ?? {}).map(([name, { resource, pattern }]) => {
    const value = c.req.param(name) ?? '';
    if (!pattern.test(value)) {
      throw new HoldfastError(`${resource}.not_found`, `There is no ${resource.replace(/s$/, '')} "${value}".`);
    }
    return [name, value];
  });
  return Object.fromEntries(entries);
}

function readQuery(url: string): Record<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of new URL(url).searchParams) {
    if (query.has(name)) throw invalid([{ path: name, message: 'Given more than once' }]);
    query.set(name, value);
  }
  return Object.fromEntries(query);
}

function parseBody(endpoint: { body?: z.ZodType; bodyMayBeEmpty?: boolean }, sent: unknown): unknown {
  if (endpoint.body === undefined) return undefined;
  if (sent === undefined && !endpoint.bodyMayBeEmpty) {
    throw new HoldfastError('http.bad_json', 'The body is empty; a JSON object is expected.');
  }
  return parse(endpoint.body, sent === undefined ? {} : sent);
}
