/** One tenant, one view (invariant 8): what is another organisation's does not exist, for reads and for every transaction. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTE, specWith } from '../support/clocked-journal.ts';
import { eventsToEnd, eventsUntil } from '../support/events.ts';
import { answer, createRun, detailsOf, outcomeOf, refOf, waitingOf } from '../support/run-client.ts';
import { openStack, type Stack } from '../support/stack.ts';

const PREPARED = { persona_id: null, route: ROUTE, spec: specWith(), metadata: {}, input: null };

let stack: Stack;
let id: string;
let requestId: string;
beforeAll(async () => {
  stack = await openStack();
  id = await createRun(stack, '/ask Which colour?');
  requestId = String((await waitingOf(stack, id)).data.request_id);
});
afterAll(async () => {
  await stack.close();
});

describe('another organisation', () => {
  it('is told that the run, its thread and its events do not exist', async () => {
    const { thread_id } = await detailsOf(stack, id);
    const calls: [string, string, unknown?][] = [
      ['GET', `/v1/runs/${id}`],
      ['GET', `/v1/runs/${id}?include=live`],
      ['GET', `/v1/runs/${id}/events?follow=false`],
      ['POST', `/v1/runs/${id}:cancel`],
      ['POST', `/v1/runs/${id}/messages`, { content: 'mine' }],
      ['POST', `/v1/runs/${id}/input`, { content: 'red' }],
      ['POST', `/v1/runs/${id}/input`, { content: 'red', request_id: requestId }],
      ['GET', `/v1/threads/${thread_id}`],
      ['PATCH', `/v1/threads/${thread_id}`, { title: 'mine' }],
      ['DELETE', `/v1/threads/${thread_id}`],
      ['GET', `/v1/threads/${thread_id}/messages`],
      ['POST', `/v1/threads/${thread_id}/messages`, { content: 'mine' }],
      ['GET', `/v1/threads/${thread_id}/runs`],
      ['POST', `/v1/threads/${thread_id}/runs`, {}],
    ];
    for (const [method, path, body] of calls) {
      const response = await stack.send(method, path, { key: stack.otherKey, ...(body ? { body } : {}) });
      const [status, code] = await outcomeOf(response);
      expect([method, path, status, code]).toEqual([method, path, 404, expect.stringMatching(/\.not_found$/)]);
    }
  });

  it('sees none of it in its lists', async () => {
    for (const path of ['/v1/runs', '/v1/threads', '/v1/inputs']) {
      expect(await (await stack.send('GET', path, { key: stack.otherKey })).json()).toEqual([]);
      expect(await (await stack.send('GET', path)).json()).not.toEqual([]);
    }
  });

  it('changes nothing through any transaction of the journal', async () => {
    const before = await stack.journal.db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst();
    const own = await refOf(stack, id);
    const ref = { ...own, org_id: 'org_b' };
    const caller = await stack.holdfast.authenticate(stack.otherKey, '0'.repeat(32));
    const lease = { ...ref, step: 'turn:1', token: 'x', attempt: 1 };
    const { thread_id } = await detailsOf(stack, id);
    const { write } = stack.journal;
    const asked = [
      write('answerInput', { ...ref, answer: { content: 'red', request_id: requestId } }),
      write('requestCancel', { caller, run_id: id }),
      write('cancelChildren', ref),
      write('addRunMessage', { ...ref, content: [] }),
      write('createChild', { ...{ lease, call_id: 'x', turn: 1, active_limit: null }, child: PREPARED }),
      write('beginTurn', { ...ref, turn: 2, route: ROUTE, temporal_run_id: '' }),
      write('beginCall', { ...ref, turn: 1, idx: 0 }),
      write('completeCall', { lease, call_id: 'x', status: 'ok', output: '', duration_ms: 0 }),
      write('finishRun', { ...ref, as: { status: 'cancelled', reason: '' } }),
      write('expireInput', { ...ref, request_id: requestId }),
      write('loadRun', ref),
      write('rebuildRun', ref),
      write('deleteThread', { org_id: 'org_b', thread_id }),
      write('updateThread', { org_id: 'org_b', thread_id, title: 'mine' }),
      write('createMessage', { org_id: 'org_b', thread_id, role: 'user', content: [] }),
      write('createRun', {
        ...{ caller, thread_id, ...PREPARED },
        ...{ on_busy: 'reject', active_limit: null },
      }),
    ];
    for (const one of await Promise.allSettled(asked)) {
      expect(one).toMatchObject({ status: 'rejected', reason: { code: expect.stringMatching(/\.not_found$/) } });
    }
    const deltas = write('appendDeltas', { lease, events: [{ type: 'message.delta', data: {} }] });
    await expect(deltas).rejects.toMatchObject({ code: 'steps.superseded' });
    expect(await stack.journal.db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst()).toEqual(
      before,
    );
  });

  it('can use the same idempotency key for a run of its own', async () => {
    const sent = { body: { input: 'hello' }, headers: { 'idempotency-key': 'the same' } };
    const mine = (await (await stack.send('POST', '/v1/runs', sent)).json()) as { run_id: string };
    const response = await stack.send('POST', '/v1/runs', { ...sent, key: stack.otherKey });
    const theirs = (await response.json()) as { run_id: string };
    expect([response.status, response.headers.get('idempotency-replayed')]).toEqual([201, null]);
    expect(theirs.run_id).not.toBe(mine.run_id);
  });
});

describe('its owner', () => {
  it('goes on with the run as if nobody had asked', async () => {
    expect((await answer(stack, id, 'blue')).status).toBe(200);
    await eventsUntil(stack, id, (event) => event.type === 'run.completed');
    expect((await eventsToEnd(stack, id)).at(-1)?.data.output).toContain('blue');
  });
});
