import { Hono } from 'hono';
import pino from 'pino';
import { expect, it } from 'vitest';
import type { ApiEnv } from './env.ts';
import { createErrorResponder } from './errors.ts';
import { nativeDialect } from './native/dialect.ts';
import { limitRequests } from './rate-limit.ts';
import { ADMIN, testApp } from './test-app.ts';

/** An app with its own clock; `get` asks as an organisation and tells status and Retry-After. */
function limited(perMinute: number) {
  const clock = { ms: 1000 };
  const app = new Hono<ApiEnv>();
  app.onError(createErrorResponder([nativeDialect], pino({ level: 'silent' })));
  app.use(async (c, next) => {
    c.set('caller', { ...ADMIN, org_id: c.req.header('org') ?? '' });
    await next();
  });
  app.use(limitRequests(perMinute, () => clock.ms));
  app.get('/', (c) => c.text('ok'));
  const get = async (org: string) => {
    const response = await app.request('/', { headers: { org } });
    return [response.status, response.headers.get('retry-after')];
  };
  return { clock, get };
}

it('lets a minute’s requests through at once, then as many as the time brings', async () => {
  const { clock, get } = limited(2);
  expect(await get('a')).toEqual([200, null]);
  expect(await get('a')).toEqual([200, null]);
  expect(await get('a')).toEqual([429, '30']);
  clock.ms += 29_000;
  expect(await get('a')).toEqual([429, '1']);
  clock.ms += 1_000;
  expect(await get('a')).toEqual([200, null]);
  expect(await get('a')).toEqual([429, '30']);
});

it('does not save more than one minute', async () => {
  const { clock, get } = limited(2);
  await get('a');
  clock.ms += 3_600_000;
  expect(await get('a')).toEqual([200, null]);
  expect(await get('a')).toEqual([200, null]);
  expect(await get('a')).toEqual([429, '30']);
});

it('counts each organisation by itself', async () => {
  const { get } = limited(1);
  expect(await get('a')).toEqual([200, null]);
  expect(await get('a')).toEqual([429, '60']);
  expect(await get('b')).toEqual([200, null]);
});

it('holds for the API and not for health checks', async () => {
  const { send } = testApp({ routes: () => [] }, { limits: { requests_per_minute: 1 } });
  expect((await send('/v1/routes')).status).toBe(200);
  const refused = await send('/v1/routes');
  expect(refused.status).toBe(429);
  expect(await refused.json()).toMatchObject({ code: 'limits.requests_per_minute', details: { limit: 1 } });
  expect((await send('/healthz')).status).toBe(200);
});

it('is absent without configuration', async () => {
  const { send } = testApp({ routes: () => [] });
  const statuses = await Promise.all(Array.from({ length: 200 }, async () => (await send('/v1/routes')).status));
  expect(new Set(statuses)).toEqual(new Set([200]));
});
