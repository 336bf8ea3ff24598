import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ThreadView } from '../runs/types.ts';
import { MAX_BODY_BYTES, MAX_JSON_DEPTH } from './body.ts';
import { type RawBody, testApp } from './test-app.ts';

function app() {
  const created: unknown[] = [];
  const { send, logged } = testApp({
    createThread: async (_caller, input) => {
      created.push(input);
      return { value: {} as ThreadView, replayed: false };
    },
  });
  const post = (raw: RawBody, headers?: Record<string, string>) =>
    send('/v1/threads', { method: 'POST', raw, headers });
  return { post, created, logged };
}

/** A valid body of exactly `size` bytes. */
function bodyOf(size: number): string {
  const text = '{"title":"x"}';
  return text + ' '.repeat(size - text.length);
}

function chunked(text: string): ReadableStream {
  const bytes = new TextEncoder().encode(text);
  const size = 65_536;
  return ReadableStream.from(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size)),
  );
}

describe('the size of a body', () => {
  const declared = (size: number) => ({ raw: bodyOf(size), headers: { 'content-length': String(size) } });
  const undeclared = (size: number) => ({ raw: chunked(bodyOf(size)), headers: {} });

  it.each([
    ['with', declared],
    ['without', undeclared],
  ])('is at most 1 MiB, %s a content-length', async (_name, body) => {
    const { post, created } = app();
    const send = ({ raw, headers }: ReturnType<typeof body>) => post(raw, headers);
    expect((await send(body(MAX_BODY_BYTES))).status).toBe(201);
    expect(created).toEqual([{ title: 'x' }]);
    const refused = await send(body(MAX_BODY_BYTES + 1));
    expect(refused.status).toBe(413);
    expect(await refused.json()).toMatchObject({ code: 'http.body_too_large', details: { max_bytes: MAX_BODY_BYTES } });
    expect(created).toHaveLength(1);
  });
});

describe('a body', () => {
  it.each([
    ['that breaks off', '{"title":', 400, 'http.bad_json'],
    ['that is a form', 'title=x', 400, 'http.bad_json'],
    ['of spaces', '  ', 400, 'http.bad_json'],
    ['that is not UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400, 'http.bad_json'],
    ['that is a list', '[]', 422, 'validation.failed'],
    ['that is null', 'null', 422, 'validation.failed'],
    ['that is a text', '"x"', 422, 'validation.failed'],
    ['with an unknown field', '{"titel":"x"}', 422, 'validation.failed'],
    ['with __proto__', '{"metadata":{"__proto__":"x"}}', 422, 'validation.failed'],
    ['with NUL in a text', '{"title":"a\\u0000b"}', 422, 'validation.failed'],
    ['with NUL in a name', '{"metadata":{"a\\u0000":"b"}}', 422, 'validation.failed'],
    ['half a million levels deep', '['.repeat(500_000) + ']'.repeat(500_000), 422, 'validation.failed'],
  ])('%s is refused', async (_name, raw, status, code) => {
    const { post, created, logged } = app();
    const response = await post(raw);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
    expect(created).toEqual([]);
    expect(logged).toEqual([]);
  });

  it('with a content encoding is refused', async () => {
    const response = await app().post(new Uint8Array(gzipSync('{}')), { 'content-encoding': 'gzip' });
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({ code: 'http.unsupported_encoding' });
  });

  it.each(['application/x-www-form-urlencoded', 'text/plain', 'application/json; charset=utf-8'])(
    'is JSON, also when it is called %s',
    async (type) => {
      const { post, created } = app();
      expect((await post('{"title":"ü"}', { 'content-type': type })).status).toBe(201);
      expect(created).toEqual([{ title: 'ü' }]);
    },
  );

  it('may begin with a byte order mark', async () => {
    const { post, created } = app();
    expect((await post('\ufeff{"title":"x"}')).status).toBe(201);
    expect(created).toEqual([{ title: 'x' }]);
  });

  it('that is empty counts as {} where nothing is required', async () => {
    const { post, created } = app();
    expect((await post('')).status).toBe(201);
    expect(created).toEqual([{}]);
  });
});

it('a body that its client cut off is no fault of the server', async () => {
  const { send, logged } = testApp();
  const client = new AbortController();
  const raw = new ReadableStream({
    pull(controller) {
      client.abort();
      controller.error(new Error('Client connection prematurely closed.'));
    },
  });
  const response = await send('/v1/threads', { method: 'POST', raw, signal: client.signal });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ code: 'http.bad_request' });
  expect(logged).toEqual([]);
});

describe('the schema of a tool', () => {
  const tool = (parameters: string) =>
    `{"tools":[{"type":"function","function":{"name":"f","parameters":${parameters}}}]}`;
  const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
  const levelsAround = 4; // body, tools, tool, function

  it('may be nested to the limit, and no deeper', async () => {
    const received: unknown[] = [];
    const { send } = testApp({
      createRun: async (_caller, _thread, input) => {
        received.push(input);
        return { value: { run_id: 'run_1', thread_id: 'thread_1', trace_id: 't' }, replayed: false };
      },
    });
    const post = (raw: string) => send('/v1/runs', { method: 'POST', raw, headers: { 'idempotency-key': 'k' } });
    expect((await post(tool(nested(MAX_JSON_DEPTH - levelsAround)))).status).toBe(201);
    expect((await post(tool(nested(MAX_JSON_DEPTH - levelsAround + 1)))).status).toBe(422);
    expect((await post(tool('{"maximum":1e400}'))).status).toBe(422);
    expect(received).toHaveLength(1);
  });
});
