import type { RouteConfig, z } from '@hono/zod-openapi';
import { z as zod } from '@hono/zod-openapi';
import type { Answers, Endpoint } from './endpoint.ts';

type Described = Endpoint<string, z.ZodObject, z.ZodType>;

/** The name of the security scheme in the document. */
export const BEARER = 'bearer';
const ERROR_REF = { $ref: '#/components/schemas/Error' };
const EVENT_REF = { $ref: '#/components/schemas/Event' };

const IDEMPOTENCY_KEY =
  'At most 255 characters. The same key for the same path and body within 24 h answers the first 2xx again, with `Idempotency-Replayed: true`.';

/** The endpoint as an operation of the OpenAPI document, with the errors that follow from its parts. */
export function describeEndpoint(endpoint: Described): RouteConfig {
  const headers =
    endpoint.method === 'post' ? { 'Idempotency-Key': IDEMPOTENCY_KEY, ...endpoint.headers } : endpoint.headers;
  return {
    method: endpoint.method,
    path: endpoint.path,
    operationId: endpoint.id,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    description: [endpoint.description, `Scope: \`${endpoint.scope}\`.`].filter(Boolean).join('\n\n'),
    security: [{ [BEARER]: [endpoint.scope] }],
    request: {
      params: endpoint.params && strings(endpoint.params, (it) => it.description, false),
      query: endpoint.query,
      headers: headers && strings(headers, (it) => it, true),
      body: endpoint.body && {
        required: !endpoint.bodyMayBeEmpty,
        content: { 'application/json': { schema: endpoint.body } },
      },
    },
    responses: { ...successes(endpoint.answers), ...errors(endpoint) },
  };
}

function strings<T>(entries: Record<string, T>, describe: (entry: T) => string, optional: boolean): z.ZodObject {
  return zod.object(
    Object.fromEntries(
      Object.entries(entries).map(([name, entry]) => {
        const text = zod.string().openapi({ description: describe(entry) });
        return [name, optional ? text.optional() : text];
      }),
    ),
  );
}

function successes(answers: Answers): RouteConfig['responses'] {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { description, json, events, headers }]) => [
      status,
      {
        description,
        headers: Object.fromEntries(
          Object.entries({ 'X-Trace-Id': '32 hex digits', ...headers }).map(([name, text]) => [
            name,
            { description: text, schema: { type: 'string' as const } },
          ]),
        ),
        ...((json || events) && {
          content: {
            ...(json && { 'application/json': { schema: json } }),
            ...(events && { 'text/event-stream': { schema: EVENT_REF } }),
          },
        }),
      },
    ]),
  );
}

function errors(endpoint: Described): RouteConfig['responses'] {
  const withBody = endpoint.body !== undefined || endpoint.method === 'post';
  const conflicts = [...(endpoint.conflicts ?? []), ...(endpoint.method === 'post' ? ['idempotency.in_progress'] : [])];
  const descriptions: Record<number, string | false> = {
    400: withBody && '`http.bad_json`',
    401: '`auth.missing_token`, `auth.invalid_token`',
    403: '`auth.forbidden`: the key lacks the scope',
    404: endpoint.params !== undefined && 'Not there, or another organisation’s',
    409: conflicts.length > 0 && conflicts.map((code) => `\`${code}\``).join(', '),
    413: withBody && '`http.body_too_large`: over 1 MiB',
    422: `\`validation.failed\` with \`details.issues[]\`${endpoint.method === 'post' ? ', `idempotency.mismatch`' : ''}`,
    429: '`limits.*`, with `Retry-After`',
    500: '`internal.error`',
    503: '`journal.unavailable`, with `Retry-After`: nothing was accepted',
  };
  return Object.fromEntries(
    Object.entries(descriptions)
      .filter(([, description]) => description !== false)
      .map(([status, description]) => [
        status,
        { description: String(description), content: { 'application/json': { schema: ERROR_REF } } },
      ]),
  );
}
