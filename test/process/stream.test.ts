/** Event streams over real sockets: every reader sees the same bytes, wherever and however it reads. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHistory, parseEvents } from '../support/events.ts';
import { TEST_KEY } from '../support/run-holdfast.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { postRun, watch, wholeStory } from './reader.ts';

/** The native contract: a ping at least every 15 s. */
const PING_WITHIN_MS = 16_000;
const LATE_PING_MS = 25_000;

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
});

describe('a 50-chunk stream', () => {
  let runId: string;
  let full: string;
  let last: number;
  beforeAll(async () => {
    runId = (await postRun(server, '/stream chunks=50 delay_ms=5')).run_id;
    const live = await (await watch(server, runId)).untilClosed();
    checkHistory(live.events);
    full = live.text;
    last = live.events.length;
    expect(live.events.filter((event) => event.type === 'message.delta')).toHaveLength(50);
  });

  const tailAfter = (seq: number) =>
    full
      .split(/(?<=\n\n)/)
      .slice(seq)
      .join('');
  const read = (path: string, headers?: Record<string, string>) =>
    server.request('GET', `/v1/runs/${runId}/events${path}`, undefined, headers ? { headers } : {});

  it('resumes at every position with the same bytes', async () => {
    for (let seq = 0; seq <= last; seq++) {
      expect((await read(`?after_seq=${seq}`)).text, `after ${seq}`).toBe(tailAfter(seq));
    }
  });

  it('resumes at every Last-Event-ID with the same bytes, and says 204 at the end', async () => {
    for (let seq = 0; seq < last; seq++) {
      expect((await read('', { 'last-event-id': String(seq) })).text, `after ${seq}`).toBe(tailAfter(seq));
    }
    expect(await read('', { 'last-event-id': String(last) })).toMatchObject({ status: 204, text: '' });
  });

  it('prefers after_seq to Last-Event-ID', async () => {
    expect((await read('?after_seq=7', { 'last-event-id': '20' })).text).toBe(tailAfter(7));
  });

  it('is the same for one who joins after the end, following or not', async () => {
    expect((await read('')).text).toBe(full);
    expect((await read('?follow=false')).text).toBe(full);
    expect((await read(`?follow=false&after_seq=${last - 2}`)).text).toBe(tailAfter(last - 2));
  });

  it.each(['-1', '1.5', 'x', '9999', ''])('refuses the position "%s"', async (position) => {
    for (const answer of [
      await read(`?after_seq=${position}`),
      await read('', { 'last-event-id': position || 'nothing' }),
    ]) {
      expect(answer).toMatchObject({ status: 422, json: { code: 'validation.failed' } });
    }
  });
});

it('two readers at once, resumed at every position while the run streams, see the same bytes', async () => {
  const { run_id } = await postRun(server, '/stream chunks=50 delay_ms=20');
  const [one, two] = [await watch(server, run_id), await watch(server, run_id)];
  const joined = [];
  for (let seq = 1; seq <= 50; seq++) {
    await one.until((event) => event.seq === seq, `event ${seq}`);
    joined.push({ seq, reader: await watch(server, run_id, { query: `?after_seq=${seq}` }) });
  }
  await one.untilClosed();
  await two.untilClosed();
  checkHistory(one.events);
  expect(two.text).toBe(one.text);
  for (const { seq, reader } of joined) {
    await reader.untilClosed();
    const tail = one.text.split(/(?<=\n\n)/).slice(seq);
    expect(reader.text, `joined after ${seq}`).toBe(tail.join(''));
  }
});

it('follow=false ends with what is stored while the run goes on', async () => {
  const { run_id } = await postRun(server, '/ask Which colour?');
  const live = await watch(server, run_id);
  await live.untilType('run.waiting_for_input');
  const answer = await server.request('GET', `/v1/runs/${run_id}/events?follow=false`);
  expect(answer.text).toBe(live.text);
  expect((await server.request('POST', `/v1/runs/${run_id}:cancel`)).status).toBe(200);
  await live.untilClosed();
});

it('a reader that leaves its socket unread for thousands of events loses none and holds up nobody', async () => {
  const { run_id } = await postRun(server, '/stream chunks=20000 delay_ms=0');
  const slow = await openUnread(`/v1/runs/${run_id}/events`);
  const quick = await (await watch(server, run_id)).untilClosed(25_000);
  checkHistory(quick.events);
  expect(quick.events.filter((event) => event.type === 'message.delta')).toHaveLength(20_000);
  expect(slow.complete).toBe(false);
  let text = '';
  slow.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(slow, 'end');
  // Compared as a truth: the difference of two megabytes is nothing to print.
  expect(parseEvents(text).length).toBe(quick.events.length);
  expect(text.replaceAll(': ping\n\n', '') === quick.text, 'the same bytes').toBe(true);
});

it('a create that accepts an event stream is answered with the run itself', async () => {
  const response = await server.open('POST', '/v1/runs', {
    body: { input: '/stream chunks=5 delay_ms=1' },
    headers: { accept: 'text/event-stream' },
  });
  expect(response.status).toBe(201);
  const runId = response.headers.get('x-run-id') ?? '';
  expect(await response.text()).toBe((await wholeStory(server, runId)).text);
});

it('a silent stream is kept open with whole ping frames', async () => {
  const { run_id } = await postRun(server, '/think ms=60000');
  const stream = await openUnread(`/v1/runs/${run_id}/events`);
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const pings = () => text.match(/(?<=\n\n): ping\n\n/g)?.length ?? 0;
  const nextPing = async () => {
    const [seen, began] = [pings(), performance.now()];
    await until(() => pings() > seen, 'a ping', LATE_PING_MS);
    return performance.now() - began;
  };
  // A pause of the machine makes one ping late, not two.
  if ((await nextPing()) > PING_WITHIN_MS) expect(await nextPing()).toBeLessThan(PING_WITHIN_MS);
  stream.destroy();
  await server.request('POST', `/v1/runs/${run_id}:cancel`);
});

/** A response whose socket is not read until its data is listened to. */
async function openUnread(path: string): Promise<IncomingMessage> {
  const request = get(`${server.url}${path}`, { headers: { authorization: `Bearer ${TEST_KEY}` } });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  return response;
}
