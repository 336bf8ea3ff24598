import { describe, expect, it } from 'vitest';
import type { MessageView, Page, RunFilter, RunRow, ThreadView } from '../../runs/types.ts';
import { testApp } from '../test-app.ts';

const run = (run_id: string) =>
  ({ run_id, status: 'queued', created_at: '2026-01-01T00:00:00.000Z', model: 'm' }) as RunRow;

describe('a list', () => {
  it('is a bare array whose Link goes on after the last item with the same filters', async () => {
    const asked: [RunFilter, Page][] = [];
    const { send } = testApp({
      listRuns: async (_caller, filter, page) => {
        asked.push([filter, page]);
        return { items: [run('run_2'), run('run_1')], more: true };
      },
    });
    const response = await send('/v1/runs?limit=2&status=queued&model=a%20b&before=run_3');
    expect(await response.json()).toEqual([run('run_2'), run('run_1')]);
    expect(response.headers.get('link')).toBe('</v1/runs?limit=2&status=queued&model=a+b&before=run_1>; rel="next"');
    await send('/v1/runs?limit=2&status=queued&model=a+b&before=run_1');
    expect(asked).toEqual([
      [
        { status: 'queued', model: 'a b' },
        { limit: 2, before: 'run_3' },
      ],
      [
        { status: 'queued', model: 'a b' },
        { limit: 2, before: 'run_1' },
      ],
    ]);
  });

  it('has no Link at its end', async () => {
    const { send } = testApp({ listThreads: async () => ({ items: [{ id: 'thread_1' } as ThreadView], more: false }) });
    expect((await send('/v1/threads')).headers.get('link')).toBeNull();
  });

  it('is of 50 unless told', async () => {
    const limits: number[] = [];
    const { send } = testApp({
      listInputs: async (_caller, page) => {
        limits.push(page.limit);
        return { items: [], more: false };
      },
    });
    for (const query of ['', '?limit=1', '?limit=200']) expect((await send(`/v1/inputs${query}`)).status).toBe(200);
    expect(limits).toEqual([50, 1, 200]);
  });

  it('gives times to the core in UTC', async () => {
    const filters: RunFilter[] = [];
    const { send } = testApp({
      listRuns: async (_caller, filter) => {
        filters.push(filter);
        return { items: [], more: false };
      },
    });
    await send('/v1/runs?since=2026-01-01T02:00:00%2B02:00&until=2026-01-02T00:00:00.5Z');
    expect(filters).toEqual([{ since: '2026-01-01T00:00:00.000Z', until: '2026-01-02T00:00:00.500Z' }]);
  });

  it('of messages goes forward by after', async () => {
    const { send } = testApp({
      listMessages: async () => ({ items: [{ id: 'msg_2' }, { id: 'msg_3' }] as MessageView[], more: true }),
    });
    const forward = await send('/v1/threads/thread_1/messages?after=msg_1');
    expect(forward.headers.get('link')).toBe('</v1/threads/thread_1/messages?after=msg_3>; rel="next"');
    const backward = await send('/v1/threads/thread_1/messages');
    expect(backward.headers.get('link')).toBe('</v1/threads/thread_1/messages?before=msg_3>; rel="next"');
  });

  it('of a thread’s runs shows id, status and time', async () => {
    const { send } = testApp({
      getThread: async () => ({ id: 'thread_1' }) as ThreadView,
      listRuns: async (_caller, filter) => ({
        items: filter.thread_id === 'thread_1' ? [run('run_1')] : [],
        more: false,
      }),
    });
    expect(await (await send('/v1/threads/thread_1/runs')).json()).toEqual([
      { run_id: 'run_1', status: 'queued', created_at: '2026-01-01T00:00:00.000Z' },
    ]);
  });
});
