import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, say, TEST_KEY, WIRES, wireRoute } from '../../test/wire/collect.ts';
import { type Reply, startWire, type WireServer } from '../../test/wire/server.ts';
import { openModels } from './open-models.ts';
import { ModelError, type Models, type Route } from './types.ts';

let wire: WireServer;
let models: Models;

beforeAll(async () => {
  wire = await startWire();
  models = await openModels(WIRES.map((it) => wireRoute(it, wire.url)));
});
afterAll(() => wire.close());

describe.each(WIRES)('%s', (provider) => {
  const route = () => models.route(provider) as Route;
  const failOn = async (reply: Reply) => {
    wire.script(provider, [reply]);
    const before = wire.requests.length;
    const collected = await collect(models.stream(route(), say('hello'), new AbortController().signal));
    expect(collected.error).toBeInstanceOf(ModelError);
    expect(collected.finish).toBeUndefined();
    return { ...collected, error: collected.error as ModelError, requests: wire.requests.length - before };
  };

  it.each([
    [429, 'provider.rate_limited', true],
    [500, 'provider.unavailable', true],
    [503, 'provider.unavailable', true],
    [529, 'provider.unavailable', true],
    [408, 'provider.timeout', true],
    [409, 'provider.unavailable', true],
    [400, 'provider.bad_request', false],
    [401, 'provider.unauthorized', false],
    [403, 'provider.forbidden', false],
    [404, 'provider.not_found', false],
    [422, 'provider.bad_request', false],
  ])(
    'HTTP %i is %s, retryable %s, with the message of the provider and after one request',
    async (status, code, retryable) => {
      const failed = await failOn({
        http: { status, body: { error: { message: `said ${status}`, type: 'some_error' } } },
      });
      expect(failed.error).toMatchObject({ code, retryable, status, message: `said ${status}` });
      expect(failed.requests).toBe(1);
    },
  );

  it('Retry-After in seconds, as a date and as retry-after-ms is read', async () => {
    const waits = async (headers: Record<string, string>) =>
      (await failOn({ http: { status: 429, headers, body: '' } })).error.retryAfterMs;
    expect(await waits({ 'retry-after': '7' })).toBe(7_000);
    expect(await waits({ 'retry-after': '7', 'retry-after-ms': '250' })).toBe(250);
    const date = await waits({ 'retry-after': new Date(Date.now() + 60_000).toUTCString() });
    expect(date).toBeGreaterThan(50_000);
    expect(date).toBeLessThanOrEqual(60_000);
    expect(await waits({})).toBeUndefined();
  });

  it('a context-length 400 stays a bad request', async () => {
    const body = { error: { message: 'too long', code: 'context_length_exceeded', type: 'invalid_request_error' } };
    const { error } = await failOn({ http: { status: 400, body } });
    expect(error).toMatchObject({ code: 'provider.bad_request', retryable: false, message: 'too long' });
  });

  it('a quota that is used up is not worth another try', async () => {
    const body = { error: { message: 'no money', code: 'insufficient_quota' } };
    const { error } = await failOn({ http: { status: 429, body } });
    expect(error).toMatchObject({ code: 'provider.rate_limited', retryable: false });
  });

  it('the message never contains the key and is bounded', async () => {
    const message = `Incorrect API key provided: ${TEST_KEY}. ${'x'.repeat(5_000)}`;
    const { error } = await failOn({ http: { status: 401, body: { error: { message } } } });
    expect(error.message).toContain('Incorrect API key provided: [key]');
    expect(error.message).not.toContain(TEST_KEY);
    expect(error.message.length).toBeLessThanOrEqual(500);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(TEST_KEY);
  });

  it('an HTML error page is told by its status alone', async () => {
    const { error } = await failOn({ http: { status: 502, body: '<html>Bad gateway</html>' } });
    expect(error).toMatchObject({ code: 'provider.unavailable', message: 'The provider answered HTTP 502.' });
  });

  it('a stream cut in the middle is broken, retryable, and asked once', async () => {
    const failed = await failOn({ text: ['Hel', 'lo'], fault: 'cut' });
    expect(failed.error).toMatchObject({ code: 'provider.stream_broken', retryable: true });
    expect(failed.text).toBe('Hello');
    expect(failed.requests).toBe(1);
  });

  it('a stream cut before its first part is broken', async () => {
    expect((await failOn({ fault: 'cut' })).error).toMatchObject({ code: 'provider.stream_broken', retryable: true });
  });

  it('a stream that ends without a finish is broken, with and without text', async () => {
    const withText = await failOn({ text: ['Hello'], fault: 'end' });
    expect(withText.error).toMatchObject({ code: 'provider.stream_broken', retryable: true });
    expect(withText.text).toBe('Hello');
    expect((await failOn({ fault: 'end' })).error).toMatchObject({ code: 'provider.stream_broken', retryable: true });
  });

  it('an error event in the middle of a stream is what it says', async () => {
    const busy = await failOn({ text: ['Hi'], error: { type: 'overloaded_error', message: `busy ${TEST_KEY}` } });
    expect(busy.error).toMatchObject({ code: 'provider.unavailable', retryable: true, message: 'busy [key]' });
    expect(busy.text).toBe('Hi');
    const limited = await failOn({ text: ['Hi'], error: { type: 'rate_limit_error', message: 'slow down' } });
    expect(limited.error).toMatchObject({ code: 'provider.rate_limited', retryable: true, status: 429 });
  });

  it('an error event before any text is what it says', async () => {
    const { error, requests } = await failOn({ error: { type: 'overloaded_error', message: 'busy' } });
    expect(error).toMatchObject({ code: 'provider.unavailable', retryable: true, message: 'busy' });
    expect(requests).toBe(1);
  });

  it('a stream that is not its protocol is broken, without quoting it', async () => {
    const { error } = await failOn({ raw: ['data: {secret words of a user\n\n'] });
    expect(error).toMatchObject({ code: 'provider.stream_broken', retryable: true });
    expect(error.message).not.toContain('secret');
  });

  it('a redirect is not followed', async () => {
    const other = await startWire({ [provider]: [{ text: ['from elsewhere'] }] });
    const { error } = await failOn({ http: { status: 307, headers: { location: `${other.url}/responses` } } });
    expect(error).toMatchObject({ code: 'provider.failed', retryable: false, status: 307 });
    expect(other.requests).toHaveLength(0);
    await other.close();
  });

  it('a provider that cannot be reached is unavailable', async () => {
    const gone = await startWire();
    await gone.close();
    const nowhere = await openModels([wireRoute(provider, gone.url)]);
    const { error } = await collect(
      nowhere.stream(nowhere.route(provider) as Route, say('x'), new AbortController().signal),
    );
    expect(error).toMatchObject({ code: 'provider.unavailable', retryable: true });
  });
});

it('OpenAI `error` events count like failed responses', async () => {
  const event = {
    type: 'error',
    sequence_number: 2,
    error: { type: 'server_error', code: 'rate_limit_exceeded', message: 'slow' },
  };
  wire.script('openai', [{ raw: [`event: error\ndata: ${JSON.stringify(event)}\n\n`] }]);
  const { error } = await collect(
    models.stream(models.route('openai') as Route, say('x'), new AbortController().signal),
  );
  expect(error).toMatchObject({ code: 'provider.rate_limited', retryable: true, message: 'slow' });
});
