import type { OpenAPIHono } from '@hono/zod-openapi';
import { BEARER } from './describe-endpoint.ts';
import type { ApiEnv } from './env.ts';
import { ErrorBody } from './native/schemas/error.ts';
import { Event } from './native/schemas/events.ts';
import { publicPath } from './paths.ts';

const DESCRIPTION = `Holdfast runs agents durably: post a run to a thread, follow its events, answer when it waits, cancel it.

- JSON in and out, UTF-8, bodies up to 1 MiB. The content type of a body is not looked at.
- Authorize with an API key as a bearer token. (JSON Web Tokens are planned, not accepted yet.) What belongs to another organisation answers 404.
- Every response carries \`X-Trace-Id\`, continuing an incoming W3C \`traceparent\`.
- Lists are bare arrays; \`Link: <…>; rel="next"\` leads to the next page.
- Unknown fields and query parameters are refused with 422. Texts cannot hold the character NUL; JSON may be nested 128 levels deep.
- Scopes: \`runs:read\` for every GET, \`runs:write\` for changes to threads, messages and runs, \`personas:write\` for personas; \`admin\` has all. \`runs:write\` does not include \`runs:read\`.`;

export type OpenApiDocument = ReturnType<OpenAPIHono<ApiEnv>['getOpenAPI31Document']>;

/** The OpenAPI 3.1 document of everything that `app` has registered, with paths as clients write them. */
export function buildDocument(app: OpenAPIHono<ApiEnv>, version: string): OpenApiDocument {
  app.openAPIRegistry.register('Error', ErrorBody);
  app.openAPIRegistry.register('Event', Event);
  app.openAPIRegistry.registerComponent('securitySchemes', BEARER, {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key, made with `holdfast keys create`.',
  });
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
  });
  const paths = Object.entries(document.paths ?? {}).map(([path, item]) => [publicPath(path), item]);
  return { ...document, paths: Object.fromEntries(paths) };
}
