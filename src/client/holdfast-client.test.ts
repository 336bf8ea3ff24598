import { expect, test } from 'vitest';
import { HoldfastClient } from './holdfast-client.ts';
import { json, testServer } from './test-server.ts';

test('every call has the path, body and key of the contract', async () => {
  const { client, requests } = await testServer((request, response) => {
    if (request.path === '/v1/runs' || request.path.endsWith('/runs')) {
      return json(response, 201, { run_id: 'run_1', thread_id: 'thread_1', trace_id: 't' });
    }
    json(response, 200, request.method === 'GET' ? [] : { ok: true });
  });
  await client.createRun({ input: 'hello' });
  await client.createRun({ input: 'more' }, 'thread_9');
  await client.listRuns({ limit: 5, status: 'running' });
  await client.getRun('run_1');
  await client.cancel('run_1');
  await client.answer('run_1', { content: 'yes', request_id: 'input_1' });
  await client.inputs();
  expect(requests.map(({ method, path, body }) => [method, path, body])).toEqual([
    ['POST', '/v1/runs', { input: 'hello' }],
    ['POST', '/v1/threads/thread_9/runs', { input: 'more' }],
    ['GET', '/v1/runs?limit=5&status=running', undefined],
    ['GET', '/v1/runs/run_1', undefined],
    ['POST', '/v1/runs/run_1:cancel', undefined],
    ['POST', '/v1/runs/run_1/input', { content: 'yes', request_id: 'input_1' }],
    ['GET', '/v1/inputs', undefined],
  ]);
  for (const { headers } of requests) expect(headers.authorization).toBe('Bearer test-key-0123456789');
});

test('a refusal keeps code, message, details, trace id and when to try again', async () => {
  const { client } = await testServer((_, response) =>
    json(
      response,
      429,
      { code: 'limits.active_runs', message: 'too many runs', trace_id: 'abc', details: { limit: 1 } },
      { 'retry-after': '7' },
    ),
  );
  await expect(client.createRun({ input: 'x' })).rejects.toMatchObject({
    name: 'HoldfastError',
    code: 'limits.active_runs',
    message: 'too many runs',
    retryAfterS: 7,
    details: { limit: 1, status: 429, trace_id: 'abc' },
  });
});

test('an answer that is not the contract’s says what came', async () => {
  const { client, baseUrl } = await testServer((_, response) => {
    response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>');
  });
  await expect(client.getRun('run_1')).rejects.toMatchObject({
    code: 'client.unexpected_answer',
    message: `HTTP 502 from ${baseUrl}/v1/runs/run_1: <h1>Bad gateway</h1>`,
  });
});

test('a server that is not there is named', async () => {
  const { baseUrl } = new HoldfastClient({ baseUrl: 'http://127.0.0.1:1/', apiKey: 'k' });
  await expect(new HoldfastClient({ baseUrl, apiKey: 'k' }).getRun('run_1')).rejects.toMatchObject({
    code: 'client.unreachable',
    message: expect.stringMatching(/^no answer from http:\/\/127\.0\.0\.1:1: ./),
  });
});
