/** The API over the real core and a real SQLite file, without a Temporal server: what is accepted stays queued. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestHoldfast } from '../../../test/support/holdfast.ts';

type Harness = Awaited<ReturnType<typeof openTestHoldfast>>;
type Sent = { body?: unknown; key?: string; headers?: Record<string, string> };

let harness: Harness;
beforeAll(async () => {
  harness = await openTestHoldfast();
});
afterAll(async () => {
  await harness.close();
});

async function send(method: string, path: string, { body, key = harness.key, headers }: Sent = {}): Promise<Response> {
  return await harness.app.request(path, {
    method,
    body: body === undefined ? undefined : JSON.stringify(body),
    headers: { authorization: `Bearer ${key}`, ...headers },
  });
}

/** The body of an answer, for tests that look at single fields. */
const object = async (response: Response) => (await response.json()) as Record<string, string>;
const rows = async (response: Response) => (await response.json()) as Record<string, string>[];

async function created(path: string, body: unknown = {}): Promise<Record<string, string>> {
  const response = await send('POST', path, { body });
  expect(response.status).toBe(201);
  return await object(response);
}

const newThread = async () => String((await created('/v1/threads')).id);
const newRun = async (body: unknown = { input: 'hi' }) => String((await created('/v1/runs', body)).run_id);

async function refused(response: Response, status: number, code: string): Promise<unknown> {
  const body = (await response.json()) as Record<string, unknown>;
  expect([response.status, body.code]).toEqual([status, code]);
  return body.details;
}

describe('threads', () => {
  it('are created, read, changed and deleted', async () => {
    const thread = await created('/v1/threads', { title: 'One', metadata: { a: '1' } });
    expect(thread).toEqual({
      id: expect.stringMatching(/^thread_/),
      title: 'One',
      metadata: { a: '1' },
      active_run_id: null,
      created_at: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
      updated_at: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
    });
    const path = `/v1/threads/${thread.id}`;
    expect(await (await send('GET', path)).json()).toEqual(thread);
    expect(await (await send('PATCH', path, { body: { title: null } })).json()).toMatchObject({
      title: null,
      metadata: { a: '1' },
    });
    expect(await (await send('DELETE', path)).json()).toEqual({ id: thread.id, deleted: true });
    await refused(await send('GET', path), 404, 'threads.not_found');
    await refused(await send('DELETE', path), 404, 'threads.not_found');
  });

  it('are listed page by page, each once', async () => {
    const ids = [await newThread(), await newThread(), await newThread()];
    const seen: string[] = [];
    let next: string | undefined = '/v1/threads?limit=2';
    while (next !== undefined) {
      const page: Response = await send('GET', next);
      seen.push(...(await rows(page)).map((thread) => String(thread.id)));
      next = /^<(.*)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(seen.slice(0, 3)).toEqual(ids.reverse());
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('with an active run are busy', async () => {
    const thread = await newThread();
    const { run_id } = await created(`/v1/threads/${thread}/runs`, { input: 'hi' });
    const path = `/v1/threads/${thread}`;
    for (const response of [
      await send('POST', `${path}/runs`, { body: {} }),
      await send('POST', `${path}/messages`, { body: { content: 'x' } }),
      await send('DELETE', path),
    ]) {
      await refused(response, 409, 'threads.busy');
    }
    expect(await refused(await send('POST', `${path}/runs`), 409, 'threads.busy')).toMatchObject({
      active_run_id: run_id,
    });
    expect(await (await send('GET', path)).json()).toMatchObject({ active_run_id: run_id });
  });
});

describe('messages', () => {
  it('are listed newest first, and forward from after', async () => {
    const path = `/v1/threads/${await newThread()}/messages`;
    const ids: string[] = [];
    for (const content of ['one', [{ type: 'text', text: 'two' }], 'three']) {
      ids.push(String((await created(path, { content })).id));
    }
    const idsOf = async (query: string) => (await rows(await send('GET', path + query))).map((message) => message.id);
    expect(await idsOf('')).toEqual([...ids].reverse());
    expect(await idsOf(`?before=${ids[2]}`)).toEqual([ids[1], ids[0]]);
    expect(await idsOf(`?after=${ids[0]}`)).toEqual([ids[1], ids[2]]);
    const [newest] = await rows(await send('GET', `${path}?limit=1`));
    expect(newest).toMatchObject({ role: 'user', content: [{ type: 'text', text: 'three' }], status: 'completed' });
  });
});

describe('runs', () => {
  it('are accepted, shown and cancelled, and their stream ends', async () => {
    const run = await created('/v1/runs', { input: 'hi', metadata: { a: '1' } });
    expect(Object.keys(run).sort()).toEqual(['run_id', 'thread_id', 'trace_id']);
    const path = `/v1/runs/${run.run_id}`;
    expect(await (await send('GET', path)).json()).toMatchObject({ ...run, status: 'queued', metadata: { a: '1' } });
    expect(await (await send('GET', `/v1/threads/${run.thread_id}/runs`)).json()).toEqual([
      { run_id: run.run_id, status: 'queued', created_at: expect.any(String) },
    ]);
    for (let times = 0; times < 2; times++) {
      const cancelled = await send('POST', `${path}:cancel`);
      expect([cancelled.status, await cancelled.json()]).toEqual([200, { ok: true }]);
    }
    const details = await object(await send('GET', path));
    expect(details.status).toBe('cancelled');
    const events = await (await send('GET', `${path}/events`)).text();
    expect(events.match(/^event: run\.(completed|failed|cancelled)$/gm)).toEqual(['event: run.cancelled']);
    expect(events.match(/^id: \d+$/gm)).toEqual(
      Array.from({ length: Number(details.last_seq) }, (_, i) => `id: ${i + 1}`),
    );
    const atEnd = await send('GET', `${path}/events?after_seq=${details.last_seq}`);
    expect([atEnd.status, await atEnd.text()]).toEqual([200, '']);
    const reconnect = await send('GET', `${path}/events`, { headers: { 'last-event-id': String(details.last_seq) } });
    expect(reconnect.status).toBe(204);
    await refused(
      await send('GET', `${path}/events?after_seq=${Number(details.last_seq) + 1}`),
      422,
      'validation.failed',
    );
    await refused(await send('POST', `${path}/input`, { body: { content: 'x' } }), 409, 'runs.not_active');
  });

  it('that wait for nobody take no answer', async () => {
    const path = `/v1/runs/${await newRun()}/input`;
    await refused(await send('POST', path, { body: { content: 'x' } }), 409, 'runs.not_waiting');
  });

  it.each([
    { model: 'no-such-model' },
    { route_id: 'no-such-route' },
    { persona_id: 'nobody' },
    { tools: ['no/such'] },
  ])('with %j are refused, and nothing is created', async (body) => {
    const count = async () => (await rows(await send('GET', '/v1/runs?limit=200'))).length;
    const before = await count();
    await refused(await send('POST', '/v1/runs', { body }), 422, 'validation.failed');
    expect(await count()).toBe(before);
  });

  it.each(['/v1/threads', '/v1/runs', '/v1/inputs'])('an unknown cursor of %s is refused', async (path) => {
    await refused(await send('GET', `${path}?before=run_0`), 422, 'validation.failed');
  });
});

describe('Idempotency-Key', () => {
  const keyed = (key: string, body: unknown, more: Record<string, string> = {}) =>
    send('POST', '/v1/runs', { body, headers: { 'idempotency-key': key, ...more } });

  it('makes one run of two requests, and refuses another body', async () => {
    const first = await keyed('one', { input: 'hi', metadata: {} });
    const second = await keyed('one', { metadata: {}, input: 'hi' });
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect((await object(second)).run_id).toBe((await object(first)).run_id);
    await refused(await keyed('one', { input: 'ho' }), 422, 'idempotency.mismatch');
    await refused(
      await send('POST', '/v1/threads', { body: {}, headers: { 'idempotency-key': 'one' } }),
      422,
      'idempotency.mismatch',
    );
  });

  it('does not remember an error', async () => {
    await refused(await keyed('two', { model: 'no-such-model' }), 422, 'validation.failed');
    expect((await keyed('two', { input: 'hi' })).status).toBe(201);
  });

  it('replays a streamed create as the stream from 1', async () => {
    const { run_id } = await object(await keyed('three', { input: 'hi' }));
    await send('POST', `/v1/runs/${run_id}:cancel`);
    const replayed = await keyed('three', { input: 'hi' }, { accept: 'text/event-stream' });
    expect(replayed.headers.get('x-run-id')).toBe(run_id);
    expect(await replayed.text()).toMatch(/^id: 1\n[\s\S]*event: run\.cancelled\n/);
  });

  it('is each organisation’s own', async () => {
    const mine = await keyed('four', {});
    const theirs = await send('POST', '/v1/runs', {
      body: {},
      key: harness.otherKey,
      headers: { 'idempotency-key': 'four' },
    });
    expect((await object(theirs)).run_id).not.toBe((await object(mine)).run_id);
  });
});

describe('another organisation', () => {
  it('finds nothing of ours', async () => {
    const { run_id, thread_id } = await created('/v1/runs', { input: 'secret' });
    const thread = `/v1/threads/${thread_id}`;
    const run = `/v1/runs/${run_id}`;
    const asks: [string, string, string, unknown?][] = [
      ['GET', thread, 'threads.not_found'],
      ['PATCH', thread, 'threads.not_found', {}],
      ['DELETE', thread, 'threads.not_found'],
      ['GET', `${thread}/messages`, 'threads.not_found'],
      ['POST', `${thread}/messages`, 'threads.not_found', { content: 'x' }],
      ['GET', `${thread}/runs`, 'threads.not_found'],
      ['POST', `${thread}/runs`, 'threads.not_found', {}],
      ['GET', run, 'runs.not_found'],
      ['GET', `${run}?include=live`, 'runs.not_found'],
      ['GET', `${run}/events`, 'runs.not_found'],
      ['POST', `${run}:cancel`, 'runs.not_found'],
      ['POST', `${run}/input`, 'runs.not_found', { content: 'x' }],
    ];
    for (const [method, path, code, body] of asks) {
      await refused(await send(method, path, { body, key: harness.otherKey }), 404, code);
    }
    for (const path of ['/v1/threads', '/v1/runs', `/v1/runs?thread_id=${thread_id}`, '/v1/inputs']) {
      expect(await (await send('GET', path, { key: harness.otherKey })).text()).not.toContain(thread_id);
    }
    expect((await object(await send('GET', run))).status).toBe('queued');
  });
});

describe('a key', () => {
  it('that is unknown, expired or revoked is refused', async () => {
    const expired = await harness.makeKey({ org: 'org_keys', expires_at: Date.now() - 1000 });
    const revoked = await harness.makeKey({ org: 'org_keys' });
    expect((await send('GET', '/v1/runs', { key: revoked.token })).status).toBe(200);
    await harness.revokeKey(revoked.id);
    for (const key of ['no-such-key-at-all', expired.token, revoked.token]) {
      await refused(await send('GET', '/v1/runs', { key }), 401, 'auth.invalid_token');
    }
  });
});

describe('personas', () => {
  it('make a version with each post', async () => {
    const first = await created('/v1/personas', { key: 'writer', instructions: 'Write.' });
    const second = await created('/v1/personas', { key: 'writer', instructions: 'Write well.' });
    expect([first.version, second.version]).toEqual([1, 2]);
    const get = async (ref: string) => await (await send('GET', `/v1/personas/${ref}`)).json();
    expect(await get('writer')).toEqual(second);
    expect(await get('writer@1')).toEqual(first);
    expect(await get('writer%402')).toEqual(second);
    await refused(await send('GET', '/v1/personas/writer@3'), 404, 'personas.not_found');
    await refused(await send('GET', '/v1/personas/writer', { key: harness.otherKey }), 404, 'personas.not_found');
    expect((await rows(await send('GET', '/v1/personas'))).map((it) => it.key)).toContain('writer');
  });
});
