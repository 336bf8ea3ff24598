import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../errors.ts';
import { testApp } from './test-app.ts';
import { traceIdFrom } from './trace.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const HEX = /^[0-9a-f]{32}$/;

describe('traceIdFrom', () => {
  it.each([`00-${TRACE}-${PARENT}-01`, `00-${TRACE}-${PARENT}-00`, `cc-${TRACE}-${PARENT}-01-of-a-later-version`])(
    'continues %s',
    (traceparent) => expect(traceIdFrom(traceparent)).toBe(TRACE),
  );

  it.each([
    undefined,
    '',
    TRACE,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${PARENT}-01-more`,
    `00-${TRACE}-${PARENT}`,
  ])('starts a new trace for %s', (traceparent) => {
    expect(traceIdFrom(traceparent)).toMatch(HEX);
    expect(traceIdFrom(traceparent)).not.toContain(TRACE);
    expect(traceIdFrom(traceparent)).not.toBe(traceIdFrom(traceparent));
  });
});

describe('X-Trace-Id', () => {
  const refusing = testApp({
    authenticate: async () => {
      throw new HoldfastError('auth.invalid_token', 'no');
    },
    readiness: async () => {
      throw new Error('boom');
    },
  });

  it.each([
    ['GET', '/healthz', 200],
    ['HEAD', '/healthz', 200],
    ['OPTIONS', '/healthz', 204],
    ['GET', '/nowhere', 404],
    ['PUT', '/healthz', 405],
    ['GET', '/v1/runs', 401],
    ['GET', '/readyz', 500],
  ])('is on %s %s, answered %d', async (method, path, status) => {
    const response = await refusing.send(path, { method });
    expect(response.status).toBe(status);
    expect(response.headers.get('x-trace-id')).toMatch(HEX);
  });

  it('continues the traceparent in header, error body and caller', async () => {
    const seen: string[] = [];
    const { send } = testApp({
      authenticate: async (_token, traceId) => {
        seen.push(traceId);
        throw new HoldfastError('auth.invalid_token', 'no');
      },
    });
    const response = await send('/v1/runs', { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } });
    expect(response.headers.get('x-trace-id')).toBe(TRACE);
    expect(await response.json()).toMatchObject({ trace_id: TRACE });
    expect(seen).toEqual([TRACE]);
  });
});
