import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { RunEvent } from './run-event.ts';
import { afterSeq, frame, json, stream, type TestRequest, testServer } from './test-server.ts';

async function collect(events: AsyncIterable<RunEvent>): Promise<number[]> {
  const seqs: number[] = [];
  for await (const event of events) seqs.push(event.seq);
  return seqs;
}

/** Events from..to of a run of ten, whose last is terminal. */
function frames(from: number, to: number): string {
  let text = '';
  for (let seq = from; seq <= to; seq++)
    text += frame(seq, seq === 10 ? 'run.completed' : 'message.delta', { content: 'ä' });
  return text;
}

const cut = (response: ServerResponse, text: string) => stream(response).write(text, () => response.destroy());

test('events arrive in order and the stream ends with the terminal one', async () => {
  const { client, requests } = await testServer((_, response) => {
    stream(response).write(`: ping\n\n${frames(1, 10)}`); // left open: the terminal event is the end
  });
  expect(await collect(client.events('run_1'))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(requests.map((request) => request.path)).toEqual(['/v1/runs/run_1/events?after_seq=0&follow=true']);
});

test('a dropped connection is resumed after the last seq', async () => {
  const answers: ((request: TestRequest, response: ServerResponse) => unknown)[] = [
    (_, response) => cut(response, frames(1, 3)),
    (_, response) => response.destroy(),
    (_, response) => json(response, 503, { code: 'journal.unavailable', message: 'wait' }, { 'retry-after': '0' }),
    (_, response) => cut(response, frames(4, 5) + frames(6, 6).slice(0, 20)),
    (_, response) => stream(response).end(frames(6, 8)),
    (_, response) => stream(response).end(frames(9, 10)),
  ];
  const { client, requests } = await testServer((request, response) => answers.shift()?.(request, response));
  const resumed: number[] = [];
  const seqs = await collect(client.events('run_1', { onReconnect: (after) => resumed.push(after) }));
  expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(requests.map(afterSeq)).toEqual([0, 3, 3, 3, 5, 8]);
  expect(resumed).toEqual([3, 5, 8]);
});

test('bytes may be cut anywhere', async () => {
  const bytes = Buffer.from(frames(1, 10));
  const { client } = await testServer(async (_, response) => {
    stream(response);
    for (const byte of bytes) {
      await new Promise((resolve) => response.write(Buffer.from([byte]), resolve));
    }
  });
  expect(await collect(client.events('run_1'))).toHaveLength(10);
});

test.each([
  ['missing', frames(1, 3) + frames(5, 10), 5],
  ['repeated', frames(1, 4) + frames(4, 10), 4],
])('an event that is %s is not hidden', async (_, text, received) => {
  const { client } = await testServer((_request, response) => stream(response).end(text));
  await expect(collect(client.events('run_1'))).rejects.toMatchObject({
    code: 'client.event_gap',
    details: { received },
  });
});

test('a gap right after a reconnect is not hidden either', async () => {
  const { client } = await testServer((request, response) =>
    afterSeq(request) === 0 ? cut(response, frames(1, 3)) : stream(response).end(frames(5, 10)),
  );
  await expect(collect(client.events('run_1'))).rejects.toMatchObject({ code: 'client.event_gap' });
});

test('follow=false ends with what is stored', async () => {
  const { client, requests } = await testServer((_, response) => stream(response).end(frames(3, 5)));
  expect(await collect(client.events('run_1', { afterSeq: 2, follow: false }))).toEqual([3, 4, 5]);
  expect(requests.map((request) => request.path)).toEqual(['/v1/runs/run_1/events?after_seq=2&follow=false']);
});

test('204 is the end', async () => {
  const { client } = await testServer((_, response) => response.writeHead(204).end());
  expect(await collect(client.events('run_1', { afterSeq: 10 }))).toEqual([]);
});

test('what the server refuses is thrown at once', async () => {
  const { client, requests } = await testServer((_, response) =>
    json(response, 404, { code: 'runs.not_found', message: 'no such run', trace_id: 't' }),
  );
  await expect(collect(client.events('run_x'))).rejects.toMatchObject({ code: 'runs.not_found' });
  expect(requests).toHaveLength(1);
});

test('without an answer for long enough it gives up', async () => {
  const { client } = await testServer((_, response) => response.destroy());
  await expect(collect(client.events('run_1', { giveUpAfterMs: 250 }))).rejects.toMatchObject({
    code: 'client.unreachable',
  });
});

test('an abort ends it with its reason, also between connections', async () => {
  const stop = new AbortController();
  const { client } = await testServer((_, response) => response.destroy());
  const reading = collect(
    client.events('run_1', { signal: stop.signal, onReconnect: () => stop.abort(new Error('enough')) }),
  );
  await expect(reading).rejects.toThrow('enough');
});

test('a page of a proxy is no stream', async () => {
  const { client } = await testServer((_, response) => json(response, 200, {}));
  await expect(collect(client.events('run_1'))).rejects.toMatchObject({ code: 'client.unexpected_answer' });
});
