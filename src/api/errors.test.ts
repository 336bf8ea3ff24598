import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../errors.ts';
import { statusOf } from './errors.ts';
import { testApp } from './test-app.ts';

function appWhoseRunsFailWith(error: unknown) {
  return testApp({
    getRun: async () => {
      throw error;
    },
  });
}

it.each([
  ['http.bad_json', 400],
  ['auth.missing_token', 401],
  ['auth.invalid_token', 401],
  ['auth.forbidden', 403],
  ['runs.not_found', 404],
  ['threads.not_found', 404],
  ['inputs.not_found', 404],
  ['http.method_not_allowed', 405],
  ['threads.busy', 409],
  ['runs.not_waiting', 409],
  ['runs.not_active', 409],
  ['runs.input_stale', 409],
  ['runs.input_ambiguous', 409],
  ['idempotency.in_progress', 409],
  ['http.body_too_large', 413],
  ['validation.failed', 422],
  ['idempotency.mismatch', 422],
  ['limits.active_runs', 429],
  ['limits.requests_per_minute', 429],
  ['journal.unavailable', 503],
  ['engine.terminated', undefined],
  ['constructor', undefined],
])('%s is status %s', (code, status) => expect(statusOf(code)).toBe(status));

describe('a response to an error', () => {
  it('has code, message, trace and details', async () => {
    const { send } = appWhoseRunsFailWith(new HoldfastError('runs.not_found', 'No such run.', { details: { a: 1 } }));
    const response = await send('/v1/runs/run_1');
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({
      code: 'runs.not_found',
      message: 'No such run.',
      trace_id: response.headers.get('x-trace-id'),
      details: { a: 1 },
    });
  });

  it.each([
    ['limits.active_runs', 2.1, '3'],
    ['limits.active_runs', undefined, '1'],
    ['journal.unavailable', undefined, '2'],
    ['journal.unavailable', 30, '30'],
  ])('to %s after %s s says when to try again', async (code, retryAfterS, header) => {
    const { send } = appWhoseRunsFailWith(new HoldfastError(code, 'Later.', { retryAfterS }));
    expect((await send('/v1/runs/run_1')).headers.get('retry-after')).toBe(header);
  });

  it('to what may have happened asks not to repeat it, but with a key', async () => {
    const { send } = appWhoseRunsFailWith(new HoldfastError('journal.outcome_unknown', 'Who knows?'));
    expect((await send('/v1/runs/run_1')).headers.get('x-should-retry')).toBe('false');
    const withKey = await send('/v1/runs/run_1', { headers: { 'idempotency-key': 'k1' } });
    expect(withKey.headers.get('x-should-retry')).toBeNull();
  });

  it.each([
    new Error('password=hunter2'),
    new HoldfastError('engine.broken', 'password=hunter2', { details: { password: 'hunter2' } }),
  ])('to an unexpected error tells the log, not the client', async (error) => {
    const { send, logged } = appWhoseRunsFailWith(error);
    const response = await send('/v1/runs/run_1');
    const body = await response.text();
    expect(response.status).toBe(500);
    expect(JSON.parse(body)).toMatchObject({ code: 'internal.error', details: {} });
    expect(body).not.toContain('hunter2');
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({ level: 50, trace_id: response.headers.get('x-trace-id') });
    expect(JSON.stringify(logged[0])).toContain('hunter2');
  });
});
