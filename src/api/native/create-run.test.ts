import { describe, expect, it } from 'vitest';
import type { Holdfast } from '../../runs/holdfast.ts';
import type { Scope } from '../../runs/types.ts';
import { endedStream, testApp } from '../test-app.ts';

const CREATED = { run_id: 'run_1', thread_id: 'thread_1', trace_id: 'a'.repeat(32) };

function app({ replayed = false, scopes = ['admin'] as Scope[] } = {}) {
  const created: unknown[][] = [];
  const read: Parameters<Holdfast['events']>[] = [];
  const { send } = testApp(
    {
      createRun: async (_caller, threadId, input, once) => {
        created.push([threadId, input, once?.key]);
        return { value: CREATED, replayed };
      },
      events: async (...asked) => {
        read.push(asked);
        return endedStream(['id: 1\n\n']);
      },
    },
    { caller: { scopes } },
  );
  const post = (path: string, headers: Record<string, string> = {}, raw = '{"input":"hi"}') =>
    send(path, { method: 'POST', raw, headers });
  return { post, created, read };
}

describe('creating a run', () => {
  it('on a thread answers its id and trace', async () => {
    const { post, created } = app();
    const response = await post('/v1/threads/thread_1/runs', { 'idempotency-key': 'k' });
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ run_id: 'run_1', trace_id: CREATED.trace_id });
    expect(created).toEqual([['thread_1', { input: 'hi' }, 'k']]);
  });

  it('with a thread answers the thread too', async () => {
    const { post, created } = app();
    const response = await post('/v1/runs');
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual(CREATED);
    expect(created).toEqual([[null, { input: 'hi' }, undefined]]);
  });

  it('takes everything that the contract names', async () => {
    const { post, created } = app();
    const body = {
      route_id: 'fast',
      persona_id: 'assistant@3',
      input: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url: 'https://x.test/a.png', detail: 'low' } },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      ],
      model: 'gpt-4o',
      instructions: '',
      additional_instructions: 'Be brief.',
      tools: [
        'files/*',
        { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' } } },
      ],
      metadata: Object.fromEntries(
        Array.from({ length: 16 }, (_, i) => [String(i).padStart(64, 'k'), 'v'.repeat(512)]),
      ),
      budget: { max_turns: 1, max_tokens: 2, max_cost_usd: 0.01, timeout_s: 0.5, on_exceeded: 'ask' },
    };
    expect((await post('/v1/runs', {}, JSON.stringify(body))).status).toBe(201);
    expect(created).toEqual([[null, body, undefined]]);
  });

  it.each([
    ['text/event-stream', true],
    ['text/event-stream, */*;q=0.1', true],
    ['application/json;q=0.5, text/event-stream', true],
    ['application/json, text/event-stream;q=0.5', false],
    ['text/event-stream;q=0', false],
    ['application/json', false],
    ['*/*', false],
    ['', false],
  ])('with Accept %j streams: %s', async (accept, streams) => {
    const { post } = app();
    const response = await post('/v1/runs', { accept });
    expect(response.status).toBe(201);
    expect(response.headers.get('content-type')).toBe(streams ? 'text/event-stream' : 'application/json');
  });

  it.each(['/v1/runs', '/v1/threads/thread_1/runs'])(
    'on %s streams from the first event, replayed or not',
    async (path) => {
      for (const replayed of [false, true]) {
        const { post, read } = app({ replayed });
        const response = await post(path, { accept: 'text/event-stream', 'idempotency-key': 'k' });
        expect(response.status).toBe(201);
        expect(response.headers.get('x-run-id')).toBe('run_1');
        expect(response.headers.get('x-thread-id')).toBe('thread_1');
        expect(response.headers.get('x-trace-id')).toMatch(/^[0-9a-f]{32}$/);
        expect(response.headers.get('idempotency-replayed')).toBe(replayed ? 'true' : null);
        expect(await response.text()).toBe('id: 1\n\n');
        expect(read.map(([, runId, options]) => [runId, options.afterSeq, options.follow])).toEqual([
          ['run_1', 0, true],
        ]);
      }
    },
  );

  it('as a stream needs runs:read too, and creates nothing without it', async () => {
    const { post, created } = app({ scopes: ['runs:write'] });
    const response = await post('/v1/runs', { accept: 'text/event-stream' });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ details: { required_scope: 'runs:read' } });
    expect(created).toEqual([]);
    expect((await post('/v1/runs')).status).toBe(201);
  });
});
