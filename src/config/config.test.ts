import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../config.ts';
import { refusal, testDirectory } from './test-directory.ts';

const directory = testDirectory();

describe('holdfast.yaml', () => {
  test('without a file there are the route demo and the persona assistant', () => {
    expect(loadConfig({}, directory.cwd).file).toEqual({
      routes: [{ id: 'demo', provider: 'demo' }],
      default_persona: 'assistant',
      personas: [
        {
          key: 'assistant',
          route: 'demo',
          instructions: 'You are helpful.',
          tools: ['ask_user'],
          approval: {},
          budget: { on_exceeded: 'fail' },
          input_timeout_s: 604_800,
        },
      ],
      mcp: {},
      tools: {},
      openai: { expires_after_s: 600 },
      limits: {},
      retention_days: 0,
      credits_per_usd: 1000,
    });
  });

  test('an empty section is as if it were absent', () => {
    expect(directory.load('routes:\nmcp:\n').file).toEqual({
      path: 'holdfast.yaml',
      ...loadConfig({ HOLDFAST_CONFIG: '' }, directory.cwd).file,
    });
  });

  test('everything of the contract is read', () => {
    const { file } = directory.load(
      `
routes:
  - id: demo
    provider: demo
  - id: fast
    provider: openai
    model: gpt-5-mini
    api_key: \${OPENAI_API_KEY}
    base_url: https://example.org/\${VERSION}
    aliases: [gpt-4o]
    price: { input: 0.25, cached_input: 0.025, output: 2 }
    context_tokens: 128000
    retries: 5
    idle_timeout_s: 60
    max_concurrency: 50
    fallback: demo
default_persona: writer
personas:
  - key: assistant
    display_name: Assistant
    route: demo
    instructions: Costs $\${PRICE} at most.
    tools: [ask_user, files/*]
    approval: { files/delete: always }
    budget: { max_turns: 50, max_tokens: 1000, max_cost_usd: 1.5, timeout_s: 3600, on_exceeded: ask }
    input_timeout_s: 60
  - key: writer
    model: gpt-4o
mcp:
  files: { command: npx, args: [-y, server, ./data], env: { LOG: warn }, timeout_s: 20 }
  search: { url: "https://example.org/mcp", headers: { Authorization: "Bearer \${SEARCH_KEY}" } }
tools:
  files/write: { side_effects: true, timeout_s: 60 }
openai: { expires_after_s: 60 }
limits: { active_runs_per_org: 100, requests_per_minute: 600 }
retention_days: 30
credits_per_usd: 100
`,
      { OPENAI_API_KEY: 'sk-1', VERSION: 'v2', SEARCH_KEY: 'key-2' },
    );
    expect(file.routes[1]).toEqual({
      id: 'fast',
      provider: 'openai',
      model: 'gpt-5-mini',
      api_key: 'sk-1',
      base_url: 'https://example.org/v2',
      aliases: ['gpt-4o'],
      price: { input: 0.25, cached_input: 0.025, output: 2 },
      context_tokens: 128_000,
      retries: 5,
      idle_timeout_s: 60,
      max_concurrency: 50,
      fallback: 'demo',
    });
    expect(file.personas[0]?.instructions).toBe(`Costs \${PRICE} at most.`);
    expect(file.personas[0]?.budget.on_exceeded).toBe('ask');
    expect(file.personas[1]).toMatchObject({ key: 'writer', model: 'gpt-4o', route: 'fast' });
    expect(file.default_persona).toBe('writer');
    expect(file.mcp).toEqual({
      files: { command: 'npx', args: ['-y', 'server', './data'], env: { LOG: 'warn' }, timeout_s: 20 },
      search: { url: 'https://example.org/mcp', headers: { Authorization: 'Bearer key-2' }, timeout_s: 30 },
    });
    expect(file.limits).toEqual({ active_runs_per_org: 100, requests_per_minute: 600 });
  });

  test('a file with routes alone gets an assistant on the first of them', () => {
    const { file } = directory.load('routes:\n  - { id: mine, provider: demo }\n');
    expect(file.personas[0]).toMatchObject({ key: 'assistant', route: 'mine', tools: ['ask_user'] });
  });

  test('HOLDFAST_CONFIG names the file, also in its refusals', () => {
    writeFileSync(join(directory.cwd, 'other.yaml'), 'retention_days: x\n');
    expect(refusal(() => loadConfig({ HOLDFAST_CONFIG: 'other.yaml' }, directory.cwd))).toBe(
      'other.yaml:1:17: retention_days: expected a number',
    );
    expect(refusal(() => loadConfig({ HOLDFAST_CONFIG: 'absent.yaml' }, directory.cwd))).toBe(
      'absent.yaml: expected the configuration file, there is no such file (HOLDFAST_CONFIG)',
    );
  });

  test('the example works without keys', () => {
    const root = join(import.meta.dirname, '../..');
    const { file } = loadConfig({ HOLDFAST_CONFIG: 'holdfast.example.yaml' }, root);
    expect(file.routes).toEqual([{ id: 'demo', provider: 'demo' }]);
    expect(file.default_persona).toBe('assistant');
  });
});
