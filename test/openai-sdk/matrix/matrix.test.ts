/** Each endpoint with each wrong input, over plain HTTP: status, type, code and param of the refusal. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { randomText } from '../../../src/ids.ts';
import { type Answer, startServer, type TestServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';
import { ENDPOINTS, type Endpoint, fill, type Ids, NOUNS, namesIn, VALID_BODIES } from './endpoints.ts';
import { wrongBodiesOf } from './wrong-bodies.ts';

const BASE = '/openai/v1';
const INVALID = 'invalid_request_error';

let server: TestServer;
let otherKey: string;
/** Objects that exist; and ids of the same kinds in other lists, which are no cursors of these. */
let ids: Ids;
let elsewhere: Ids;
beforeAll(async () => {
  server = await startServer({
    yaml: 'routes: [{ id: demo, provider: demo, aliases: [gpt-4o] }]\npersonas: [{ key: assistant, route: demo }]\n',
    env: { TEMPORAL_ADDRESS: inject('temporalAddress'), HOLDFAST_TASK_QUEUE: `matrix-${randomText(8)}` },
  });
  otherKey = (await server.holdfast(['keys', 'create', '--org', 'other'])).stdout.trim();
  [ids, elsewhere] = await Promise.all([makeObjects(), makeObjects()]);
});
afterAll(async () => {
  await server?.close();
});

const send = (method: string, path: string, body?: unknown, key?: string) =>
  server.request(method, `${BASE}${path}`, body, key === undefined ? {} : { key });

async function made(path: string, body: unknown): Promise<string> {
  const answer = await send('POST', path, body);
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return answer.json.id;
}

async function makeObjects(): Promise<Ids> {
  const asst = await made('/assistants', { model: 'gpt-4o' });
  const thread = await made('/threads', {});
  const msg = await made(`/threads/${thread}/messages`, { role: 'user', content: '/say Hello' });
  const run = await made(`/threads/${thread}/runs`, { assistant_id: asst });
  const at = `/threads/${thread}/runs/${run}`;
  await until(async () => (await send('GET', at)).json.status === 'completed', 'the run is completed');
  return { asst, thread, msg, run, step: (await send('GET', `${at}/steps`)).json.data[0].id };
}

function expectRefusal(
  answer: Answer,
  status: number,
  error: { param: unknown; code: unknown; message?: string },
): void {
  expect(answer, answer.text).toMatchObject({ status, json: { error: { type: INVALID, ...error } } });
  expect(Object.keys(answer.json)).toEqual(['error']);
  expect(Object.keys(answer.json.error).toSorted()).toEqual(['code', 'message', 'param', 'type']);
  expect(answer.json.error.message).toMatch(/\S/);
  expect(answer.headers.get('x-request-id')).toMatch(/\S/);
}

const notFound = (noun: string, id: string) => ({
  ...{ param: null, code: null, message: `No ${noun} found with id '${id}'.` },
});
const valid = ({ operation }: Endpoint) => VALID_BODIES[operation];

describe.each(ENDPOINTS)('$operation', (endpoint) => {
  const { operation, method, path, list } = endpoint;

  for (const name of namesIn(path)) {
    it(`with an unknown ${NOUNS[name]}`, async () => {
      const unknown = `${name}_unknown`;
      const answer = await send(method, fill(path, { ...ids, [name]: unknown }), valid(endpoint));
      expectRefusal(answer, 404, notFound(NOUNS[name], unknown));
    });
  }

  const [first] = namesIn(path);
  if (first !== undefined) {
    it("with another organisation's key", async () => {
      const answer = await send(method, fill(path, ids), valid(endpoint), otherKey);
      expectRefusal(answer, 404, notFound(NOUNS[first], ids[first]));
    });
  }
  const [, second] = namesIn(path);
  if (second !== undefined) {
    it(`with the ${NOUNS[second]} of another thread`, async () => {
      const answer = await send(method, fill(path, { ...ids, [second]: elsewhere[second] }), valid(endpoint));
      expectRefusal(answer, 404, notFound(NOUNS[second], elsewhere[second]));
    });
  }

  it('without a key, and with a wrong one', async () => {
    const none = await server.open(method, `${BASE}${fill(path, ids)}`, { headers: { authorization: '' } });
    expect(none.status).toBe(401);
    expect(await none.json()).toMatchObject({ error: { message: expect.stringMatching(/\S/) } });
    const wrong = await send(method, fill(path, ids), valid(endpoint), 'sk-wrong-and-long-enough');
    expect(wrong.status).toBe(401);
    expect(Object.keys(wrong.json.error).toSorted()).toEqual(['code', 'message', 'param', 'type']);
  });

  for (const { what, body, param, code } of wrongBodiesOf(operation)) {
    it(`with ${what}`, async () => {
      expectRefusal(await send(method, fill(path, ids), body), 400, { param, code });
    });
  }

  if (list) {
    it.each([
      ['limit=0', 'limit', 'invalid_value'],
      ['limit=101', 'limit', 'invalid_value'],
      ['limit=-1', 'limit', 'invalid_value'],
      ['limit=1.5', 'limit', 'invalid_type'],
      ['limit=many', 'limit', 'invalid_type'],
      ['limit=', 'limit', 'invalid_type'],
      ['order=sideways', 'order', 'invalid_value'],
      ['after=unknown', 'after', 'invalid_value'],
      ['before=unknown', 'before', 'invalid_value'],
      ['colour=red', 'colour', 'unknown_parameter'],
    ])('with ?%s', async (query, param, code) => {
      const answer = await send(method, `${fill(path, ids)}?${query}`);
      expectRefusal(answer, 400, { param, code });
    });
    if (operation !== 'listAssistants') {
      it('with a cursor of another list', async () => {
        const answer = await send(method, `${fill(path, ids)}?after=${elsewhere[list]}`);
        expectRefusal(answer, 400, { param: 'after', code: 'invalid_value' });
      });
    }
  }
});

describe('an assistant of a run', () => {
  it.each(['createRun', 'createThreadAndRun'])(
    'of %s that is unknown or of another organisation',
    async (operation) => {
      const { method, path } = ENDPOINTS.find((it) => it.operation === operation) as Endpoint;
      const unknown = await send(method, fill(path, ids), { assistant_id: 'asst_unknown' });
      expectRefusal(unknown, 404, notFound('assistant', 'asst_unknown'));
      const theirs = (await send('POST', '/assistants', { model: 'gpt-4o' }, otherKey)).json.id;
      expectRefusal(await send(method, fill(path, ids), { assistant_id: theirs }), 404, notFound('assistant', theirs));
    },
  );
});

describe('a path that is none', () => {
  it.each([
    ['GET', '/threads'],
    ['PUT', '/assistants'],
    ['DELETE', '/models'],
    ['POST', '/files'],
    ['GET', '/threads/thread_1/nothing'],
    ['GET', '/'],
  ])('%s %s is not found', async (method, path) => {
    const answer = await send(method, path);
    expect(answer).toMatchObject({ status: 404, json: { error: { type: INVALID, message: expect.any(String) } } });
  });
});

it('a body of more than a mebibyte is too large', async () => {
  const answer = await send('POST', '/threads', { messages: [{ role: 'user', content: 'x'.repeat(1_100_000) }] });
  expect(answer).toMatchObject({ status: 413, json: { error: { type: INVALID, message: expect.any(String) } } });
});
