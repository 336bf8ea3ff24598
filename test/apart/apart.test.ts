/** Two APIs and two workers on one PostgreSQL database: which of them a client speaks to makes no difference. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postRun, statusOf, watch, wholeStory } from '../process/reader.ts';
import { type Cluster, openCluster } from '../support/cluster.ts';
import { checkHistory, types } from '../support/events.ts';
import type { TestServer } from '../support/server.ts';

/** An abort crosses processes by notification; Temporal's own cancel, by heartbeat, would take a second and more. */
const CANCELLED_WITHIN_MS = 5_000;

let cluster: Cluster;
let one: TestServer;
let other: TestServer;
beforeAll(async () => {
  cluster = await openCluster({ apis: 2, workers: 2 });
  [one, other] = cluster.apis as [TestServer, TestServer];
});
afterAll(() => cluster.close());

describe('a run', () => {
  it('created at one API is watched at the other, answered at the first, and told the same by both', async () => {
    const { run_id } = await postRun(one, '/stream chunks=50 delay_ms=10\n/ask Which colour?\n/say Done.');
    const reader = await watch(other, run_id);
    await reader.untilType('run.waiting_for_input');
    expect(await statusOf(other, run_id)).toBe('waiting_for_input');
    expect((await one.request('POST', `/v1/runs/${run_id}/input`, { content: 'blue' })).status).toBe(200);
    await reader.untilClosed();
    checkHistory(reader.events);
    expect(reader.events.at(-1)?.type).toBe('run.completed');
    expect((await wholeStory(one, run_id)).text).toBe(reader.text);
  });

  it('that streams reaches a reader of each API event by event, not in gulps at the end', async () => {
    const { run_id } = await postRun(one, '/stream chunks=120 delay_ms=50');
    const readers = await Promise.all([one, other].map((api) => watch(api, run_id)));
    await Promise.all(readers.map((reader) => reader.untilClosed()));
    for (const reader of readers) {
      const deltas = reader.events.flatMap((event, i) =>
        event.type === 'message.delta' ? [reader.arrivedAt[i] ?? 0] : [],
      );
      const took = (deltas.at(-1) ?? 0) - (deltas[0] ?? 0);
      // 120 chunks of 50 ms; told only by the poll, every 2 s, they would come in three or four lumps.
      expect(new Set(deltas.map((at) => Math.floor(at / 50))).size, `${took} ms`).toBeGreaterThan(15);
    }
    expect(readers[0]?.text).toBe(readers[1]?.text);
  });

  it('of a silent model is cancelled at the other API, and stops at once', async () => {
    const { run_id } = await postRun(one, '/think ms=60000');
    const reader = await watch(one, run_id);
    await reader.untilType('turn.started');
    const began = performance.now();
    expect((await other.request('POST', `/v1/runs/${run_id}:cancel`)).status).toBe(200);
    await reader.untilClosed();
    const took = performance.now() - began;
    console.log(`a cancel at another API: ${Math.round(took)} ms to run.cancelled`);
    expect(types(reader.events)).toEqual(['run.started', 'turn.started', 'run.cancel_requested', 'run.cancelled']);
    expect(took).toBeLessThan(CANCELLED_WITHIN_MS);
  });

  it('sent to both APIs with one idempotency key is one run', async () => {
    const headers = { 'idempotency-key': 'one-run' };
    const send = (api: TestServer) => api.request('POST', '/v1/runs', { input: '/say once' }, { headers });
    const answers = await Promise.all([send(one), send(other), send(one), send(other)]);
    const created = answers.filter(({ status }) => status === 201);
    // In one process a request that comes while the first is at work is told so.
    expect(answers.filter(({ status }) => status !== 201).every(({ status }) => status === 409)).toBe(true);
    expect(new Set(created.map(({ json }) => json.run_id)).size).toBe(1);
    expect((await send(other)).json.run_id).toBe(created[0]?.json.run_id);
  });

  it('on a thread that has one at the other API is refused, and queued where that is asked for', async () => {
    const first = await postRun(one, '/think ms=60000');
    const path = `/v1/threads/${first.thread_id}/runs`;
    expect(await other.request('POST', path, { input: 'no' })).toMatchObject({
      ...{ status: 409, json: { code: 'threads.busy', details: { active_run_id: first.run_id } } },
    });
    const queued = await other.request('POST', path, { input: '/say next', on_busy: 'enqueue' });
    expect(queued.status).toBe(201);
    await one.request('POST', `/v1/runs/${first.run_id}:cancel`);
    expect((await wholeStory(one, queued.json.run_id)).events.at(-1)?.type).toBe('run.completed');
  });

  it('with a child runs to its end, whichever worker takes which', async () => {
    const task = JSON.stringify({ persona: 'assistant', input: '/stream chunks=10 delay_ms=5' });
    const persona = { key: 'lead', tools: ['run_agent'] };
    expect((await one.request('POST', '/v1/personas', persona)).status).toBe(201);
    const run = await postRun(other, `/tool run_agent ${task}\n/say Done.`, { persona_id: 'lead' });
    const story = await wholeStory(one, run.run_id);
    checkHistory(story.events);
    expect(story.events.at(-1)?.type).toBe('run.completed');
    expect(story.events.find((event) => event.type === 'tool.result')?.data).toMatchObject({ status: 'ok' });
  });
});

describe('a key', () => {
  it('made beside them opens both at once; revoked, it opens neither and ends its stream', async () => {
    const made = await one.holdfast(['keys', 'create', '--org', 'acme']);
    expect(made.code, made.stderr).toBe(0);
    const key = made.stdout.trim();
    const { run_id } = (await one.request('POST', '/v1/runs', { input: '/ask Which?' }, { key })).json;
    const reader = await watch(other, run_id, { key });
    await reader.untilType('run.waiting_for_input');
    const id = /key_\w+/.exec(made.stderr)?.[0] ?? '';
    expect((await other.holdfast(['keys', 'revoke', id])).code).toBe(0);
    for (const api of [one, other]) expect((await api.request('GET', '/v1/runs', undefined, { key })).status).toBe(401);
    await reader.untilClosed(15_000);
  });
});
