import { execFile } from 'node:child_process';
import { inspect, promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { collect, say, TEST_KEY, WIRES, wireRoute } from '../../test/wire/collect.ts';
import { startWire } from '../../test/wire/server.ts';
import { openModels } from './open-models.ts';
import type { Route, RouteConfig } from './types.ts';

const DEMO: RouteConfig = { id: 'demo', provider: 'demo' };

describe('a route is found', () => {
  const opened = openModels([
    { id: 'a', provider: 'demo', model: 'b' },
    { id: 'b', provider: 'demo', model: 'm', aliases: ['nick', 'c'] },
    { id: 'c', provider: 'demo', model: 'm' },
  ]);
  it.each([
    ['b', 'b', 'by its id before another one has it as model'],
    ['c', 'c', 'by its id before another one has it as alias'],
    ['nick', 'b', 'by its alias'],
    ['m', 'b', 'by its model, the first that has it'],
    ['nobody', undefined, 'not at all'],
  ])('%s is route %s: %s', async (name, id, _how) => {
    expect((await opened).find(name)?.id).toBe(id);
  });
  it('route() knows ids alone', async () => {
    expect((await opened).route('nick')).toBeUndefined();
    expect((await opened).routes().map((it) => it.id)).toEqual(['a', 'b', 'c']);
  });
});

it('a route shows its settings and defaults, and never its key or address', async () => {
  const models = await openModels([
    DEMO,
    wireRoute('openai', 'http://127.0.0.1:9/v1', {
      aliases: ['fast'],
      price: { input: 1, output: 2 },
      context_tokens: 128_000,
      fallback: 'demo',
    }),
  ]);
  expect(models.routes()).toEqual([
    {
      id: 'demo',
      provider: 'demo',
      model: 'demo',
      aliases: [],
      price: null,
      context_tokens: null,
      retries: 5,
      idle_timeout_s: 60,
      max_concurrency: 1_000,
      fallback: null,
    },
    {
      id: 'openai',
      provider: 'openai',
      model: 'gpt-4.1-mini',
      aliases: ['fast'],
      price: { input: 1, output: 2 },
      context_tokens: 128_000,
      retries: 5,
      idle_timeout_s: 60,
      max_concurrency: 50,
      fallback: 'demo',
    },
  ]);
  const everything = inspect(models, { depth: 10, showHidden: true, getters: true }) + JSON.stringify(models.routes());
  expect(everything).not.toContain(TEST_KEY);
});

it.each([
  [{ id: 'fast', provider: 'openai', model: 'gpt-5-mini' }, 'api_key'],
  [{ id: 'fast', provider: 'anthropic', model: 'claude-sonnet-4-5' }, 'api_key'],
  [{ id: 'fast', provider: 'openai', api_key: 'k' }, 'model'],
  [{ id: 'fast', provider: 'openai-compatible', model: 'm' }, 'base_url'],
  [{ id: 'fast', provider: 'openai-compatible', model: 'm', base_url: 'localhost:80/v1' }, 'base_url'],
] satisfies [RouteConfig, string][])('%o is refused, naming the route and %s', async (config, field) => {
  await expect(openModels([config])).rejects.toMatchObject({
    code: 'config.invalid',
    message: expect.stringMatching(new RegExp(`Route "fast".*${field}`)),
  });
});

it('an openai-compatible route works without a key, and sends none', async () => {
  const wire = await startWire({ 'openai-compatible': [{ text: ['hi'] }] });
  const models = await openModels([{ ...wireRoute('openai-compatible', wire.url), api_key: undefined }]);
  const { text } = await collect(models.stream(models.routes()[0] as Route, say('x'), new AbortController().signal));
  expect(text).toBe('hi');
  expect(wire.requests[0]?.headers.authorization).toBeUndefined();
  await wire.close();
});

it('the demo route works beside others', async () => {
  const models = await openModels([DEMO, wireRoute('openai', 'http://127.0.0.1:9/v1')]);
  const { text } = await collect(
    models.stream(models.route('demo') as Route, say('/say hi'), new AbortController().signal),
  );
  expect(text).toContain('hi');
});

it.each(WIRES)('%s: environment variables of the AI SDK do not move a route or lend it a key', async (provider) => {
  const stranger = await startWire({ [provider]: [{ text: ['stranger'] }] });
  const wire = await startWire({ [provider]: [{ text: ['hi'] }] });
  const names = ['OPENAI_BASE_URL', 'ANTHROPIC_BASE_URL'];
  for (const name of names) process.env[name] = stranger.url;
  try {
    const models = await openModels([wireRoute(provider, wire.url)]);
    await collect(models.stream(models.routes()[0] as Route, say('x'), new AbortController().signal));
    expect(wire.requests).toHaveLength(1);
    expect(stranger.requests).toHaveLength(0);
  } finally {
    for (const name of names) delete process.env[name];
    await Promise.all([wire.close(), stranger.close()]);
  }
});

it('a server with only the demo route loads no provider package', async () => {
  const hooks = `
    import { writeSync } from 'node:fs';
    import { registerHooks } from 'node:module';
    registerHooks({ resolve: (name, context, next) => {
      if (name.startsWith('@ai-sdk/')) writeSync(1, name + '\\n');
      return next(name, context);
    } });`;
  const loaded = async (route: RouteConfig) => {
    const module = JSON.stringify(new URL('./open-models.ts', import.meta.url).href);
    const script = `import(${module}).then(({ openModels }) => openModels([${JSON.stringify(route)}]))`;
    // Threads are given the same options, and so the same hooks.
    const options = ['--import', `data:text/javascript,${encodeURIComponent(hooks)}`];
    const { stdout } = await promisify(execFile)(process.execPath, [...options, '-e', script]);
    return stdout;
  };
  expect(await loaded(DEMO)).toBe('');
  expect(await loaded(wireRoute('openai', 'http://127.0.0.1:9/v1'))).toContain('@ai-sdk/openai');
});
