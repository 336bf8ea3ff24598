/** The limits of holdfast.yaml hold for each organisation by itself, whichever API it speaks, and say when to come again. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config.ts';
import { createRun } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';

let stack: Stack;
afterEach(() => stack.close());

/** Without Temporal: what is accepted stays active. */
async function limited(limits: Config['file']['limits']): Promise<void> {
  stack = await openStack({ temporal: 'none', file: { limits } });
}

async function refusalOf(response: Response): Promise<unknown[]> {
  const body = (await response.json()) as { code?: string; error?: { message: string } };
  return [response.status, Number(response.headers.get('retry-after')) > 0, body.code ?? body.error?.message];
}

describe('active_runs_per_org', () => {
  const REFUSED = [429, true, 'limits.active_runs'];

  it('counts every run that has not ended, and none of another organisation', async () => {
    await limited({ active_runs_per_org: 2 });
    const thread = (await (await stack.send('POST', '/v1/threads', { body: {} })).json()) as { id: string };
    const runs = `/v1/threads/${thread.id}/runs`;
    expect((await stack.send('POST', runs, { body: {} })).status).toBe(201);
    const waits = { body: { on_busy: 'enqueue', input: 'x' } };
    expect((await stack.send('POST', runs, waits)).status).toBe(201);
    expect(await refusalOf(await stack.send('POST', runs, waits))).toEqual(REFUSED);
    expect(await refusalOf(await stack.send('POST', '/v1/runs', { body: {} }))).toEqual(REFUSED);
    expect((await stack.send('POST', '/v1/runs', { body: {}, key: stack.otherKey })).status).toBe(201);
  });

  it('leaves nothing behind of what it refuses, and has room again when a run ends', async () => {
    await limited({ active_runs_per_org: 1 });
    const first = await createRun(stack, 'hello');
    const headers = { 'idempotency-key': 'one' };
    const refused = await stack.send('POST', '/v1/runs', { body: { input: 'again' }, headers });
    expect(await refusalOf(refused)).toEqual(REFUSED);
    expect(await (await stack.send('GET', '/v1/threads')).json()).toHaveLength(1);
    expect((await stack.send('POST', `/v1/runs/${first}:cancel`)).status).toBe(200);
    const accepted = await stack.send('POST', '/v1/runs', { body: { input: 'again' }, headers });
    expect(accepted.status).toBe(201);
    // A repetition is the run that it was, not one more.
    expect((await stack.send('POST', '/v1/runs', { body: { input: 'again' }, headers })).status).toBe(201);
  });

  it('holds in OpenAI’s dialect', async () => {
    await limited({ active_runs_per_org: 1 });
    const created = await stack.send('POST', '/openai/v1/assistants', { body: { model: 'demo' } });
    const { id } = (await created.json()) as { id: string };
    const create = () => stack.send('POST', '/openai/v1/threads/runs', { body: { assistant_id: id } });
    expect((await create()).status).toBe(200);
    expect(await refusalOf(await create())).toEqual([429, true, expect.stringContaining('1 active runs')]);
  });

  it('is never passed by creates at once', async () => {
    await limited({ active_runs_per_org: 5 });
    const creates = Array.from({ length: 40 }, () => stack.send('POST', '/v1/runs', { body: { input: 'x' } }));
    const statuses = (await Promise.all(creates)).map((response) => response.status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(5);
    expect(statuses.filter((status) => status === 429)).toHaveLength(35);
  });
});

describe('requests_per_minute', () => {
  it('is one count for all keys and dialects of an organisation', async () => {
    await limited({ requests_per_minute: 3 });
    const second = (await stack.makeKey({ org: 'org_a' })).token;
    expect((await stack.send('GET', '/v1/runs')).status).toBe(200);
    expect((await stack.send('GET', '/v1/runs', { key: second })).status).toBe(200);
    expect((await stack.send('GET', '/openai/v1/models')).status).toBe(200);
    const refused = [429, true, 'limits.requests_per_minute'];
    expect(await refusalOf(await stack.send('GET', '/v1/runs', { key: second }))).toEqual(refused);
    expect((await stack.send('POST', '/openai/v1/threads', { body: {} })).status).toBe(429);
    expect((await stack.send('GET', '/v1/runs', { key: stack.otherKey })).status).toBe(200);
    expect((await stack.send('GET', '/healthz')).status).toBe(200);
  });
});
