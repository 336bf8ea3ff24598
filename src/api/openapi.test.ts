import { describe, expect, it } from 'vitest';
import type { OpenApiDocument } from './openapi.ts';
import { testApp } from './test-app.ts';

const { app } = testApp();
const document = (await (await app.request('/openapi.json')).json()) as OpenApiDocument;
const page = await (await app.request('/docs')).text();

/** Every value under a key of that name, anywhere in the document. */
function valuesOf(key: string, value: unknown = document): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, it]) =>
    name === key && typeof it === 'string' ? [it] : valuesOf(key, it),
  );
}

const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    method,
    path,
    operation: operation as NonNullable<typeof item.get>,
  })),
);

describe('/openapi.json', () => {
  it('names every operation of the contract', () => {
    expect(operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort()).toEqual(
      [
        'GET /v1/threads',
        'POST /v1/threads',
        'GET /v1/threads/{thread_id}',
        'PATCH /v1/threads/{thread_id}',
        'DELETE /v1/threads/{thread_id}',
        'GET /v1/threads/{thread_id}/messages',
        'POST /v1/threads/{thread_id}/messages',
        'GET /v1/threads/{thread_id}/runs',
        'POST /v1/threads/{thread_id}/runs',
        'GET /v1/runs',
        'POST /v1/runs',
        'GET /v1/runs/{run_id}',
        'POST /v1/runs/{run_id}:cancel',
        'POST /v1/runs/{run_id}/input',
        'POST /v1/runs/{run_id}/messages',
        'GET /v1/runs/{run_id}/events',
        'GET /v1/inputs',
        'GET /v1/personas',
        'POST /v1/personas',
        'GET /v1/personas/{persona}',
        'GET /v1/routes',
        'GET /healthz',
        'GET /readyz',
      ].sort(),
    );
    expect(document.openapi).toBe('3.1.0');
    expect(document.info.version).toBe('9.9.9');
  });

  it('refers only to what it holds, and to patterns that compile', () => {
    const references = valuesOf('$ref');
    expect(references.length).toBeGreaterThan(20);
    for (const reference of references) {
      expect(Object.keys(document.components?.schemas ?? {}).map((name) => `#/components/schemas/${name}`)).toContain(
        reference,
      );
    }
    for (const pattern of valuesOf('pattern')) expect(() => new RegExp(pattern, 'u')).not.toThrow();
    expect(valuesOf('pattern').filter((pattern) => !/^\^.*\$$|^\^\(https/.test(pattern))).toEqual([]);
  });

  it.each(operations.filter(({ path }) => path.startsWith('/v1')))(
    '$method $path is authorized, described, and says how it fails',
    ({ method, path, operation }) => {
      expect(operation.operationId).toMatch(/^[a-zA-Z]+$/);
      expect(operation.summary).toBeTruthy();
      expect(operation.security).toEqual([
        { bearer: [expect.stringMatching(/^(runs:read|runs:write|personas:write)$/)] },
      ]);
      const answers = operation.responses ?? {};
      for (const status of ['401', '403', '422', '429', '500', '503']) expect(answers).toHaveProperty(status);
      if (path.includes('{')) expect(answers).toHaveProperty('404');
      if (method === 'post') {
        for (const status of ['400', '409', '413']) expect(answers).toHaveProperty(status);
        expect(operation.parameters).toContainEqual(expect.objectContaining({ name: 'Idempotency-Key', in: 'header' }));
        expect(operation.requestBody).toBeDefined();
      }
      const inPath = [...path.matchAll(/{(\w+)}/g)].map(([, name]) => name);
      const described = (operation.parameters ?? []).flatMap((it) => ('in' in it && it.in === 'path' ? [it.name] : []));
      expect(described).toEqual(inPath);
    },
  );

  it('refuses unknown fields in what it describes as bodies', () => {
    for (const name of ['NewThread', 'ThreadPatch', 'NewMessage', 'NewRun', 'Budget', 'InputAnswer', 'NewPersona']) {
      expect(document.components?.schemas?.[name]).toMatchObject({ additionalProperties: false });
    }
  });
});

describe('/docs', () => {
  it.each(operations)('shows $method $path', ({ method, path, operation }) => {
    expect(page).toContain(`<article id="${operation.operationId}">`);
    expect(page).toContain(`<b class="${method}">${method.toUpperCase()}</b> ${path}</h3>`);
  });

  it('shows every schema', () => {
    for (const name of Object.keys(document.components?.schemas ?? {})) expect(page).toContain(`id="schema-${name}"`);
    expect(page).toContain('max_cost_usd?: number');
  });

  it('needs neither script nor network', async () => {
    expect(page).not.toMatch(/<script|<link|src=|@import|url\(/);
    expect(
      [...page.matchAll(/href="([^"]*)"/g)].map(([, href]) => href).filter((href) => !/^(#|\/)/.test(href ?? '')),
    ).toEqual([]);
    const { headers } = await app.request('/docs');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-type')).toContain('text/html');
  });
});

it('/healthz is alive, /readyz tells each check', async () => {
  const checks = { database: { state: 'ok' }, temporal: { state: 'unreachable', message: 'refused' } };
  for (const [ready, status] of [
    [true, 200],
    [false, 503],
  ] as const) {
    const health = testApp({ readiness: async () => ({ ready, checks }) });
    const response = await health.app.request('/readyz');
    expect([response.status, await response.json()]).toEqual([status, { ready, checks }]);
    expect(await (await health.app.request('/healthz')).json()).toEqual({ status: 'ok', version: '9.9.9' });
  }
});
