import { describe, expect, test } from 'vitest';
import { refusal, testDirectory } from './test-directory.ts';

const directory = testDirectory();

describe('a wrong holdfast.yaml is refused with file, line and what was expected', () => {
  const table: [name: string, yaml: string, message: string][] = [
    [
      'an unknown key at the top',
      'route:\n  - id: a\n',
      'holdfast.yaml:1:1: route: unknown key route, expected one of routes, default_persona, personas, mcp, tools, openai, limits, retention_days, credits_per_usd',
    ],
    [
      'an unknown key of a route',
      'routes:\n  - id: a\n    provider: demo\n    modle: x\n',
      'holdfast.yaml:4:5: routes[0].modle: unknown key modle, expected one of id, provider, model, api_key, base_url, aliases, price, context_tokens, retries, idle_timeout_s, max_concurrency, fallback',
    ],
    [
      'an unknown key of a budget',
      'personas:\n  - key: a\n    budget: { turns: 3 }\n',
      'holdfast.yaml:3:15: personas[0].budget.turns: unknown key turns, expected one of max_turns, max_tokens, max_cost_usd, timeout_s, on_exceeded',
    ],
    [
      'a missing variable',
      `routes:\n  - id: a\n    provider: openai\n    model: m\n    api_key: \${NO_SUCH_KEY}\n`,
      'holdfast.yaml:5:14: routes[0].api_key: expected the environment variable NO_SUCH_KEY, it is not set',
    ],
    [
      'a missing variable inside a text',
      `mcp:\n  s: { url: "https://x/mcp", headers: { Authorization: "Bearer \${SEARCH_KEY}" } }\n`,
      'holdfast.yaml:2:56: mcp.s.headers.Authorization: expected the environment variable SEARCH_KEY, it is not set',
    ],
    [
      'a default for a variable',
      `routes:\n  - id: \${ID:-x}\n`,
      'holdfast.yaml:2:9: routes[0].id: expected the name of a variable in the braces after $ (write $$ for the characters themselves)',
    ],
    [
      'two routes with one id',
      'routes:\n  - { id: a, provider: demo }\n  - { id: a, provider: demo }\n',
      "holdfast.yaml:3:11: routes[1].id: expected an id of its own, a is another route's",
    ],
    [
      "an alias that is another route's id",
      'routes:\n  - { id: a, provider: demo, aliases: [b] }\n  - { id: b, provider: demo }\n',
      "holdfast.yaml:2:40: routes[0].aliases[0]: expected a name of its own, b is already a route's id or alias",
    ],
    [
      'one alias of two routes',
      'routes:\n  - { id: a, provider: demo, aliases: [x] }\n  - { id: b, provider: demo, aliases: [y, x] }\n',
      "holdfast.yaml:3:43: routes[1].aliases[1]: expected a name of its own, x is already a route's id or alias",
    ],
    [
      'an unknown fallback',
      'routes:\n  - id: a\n    provider: demo\n    fallback: b\n',
      'holdfast.yaml:4:15: routes[0].fallback: expected the id of a route: a',
    ],
    [
      'a circle of fallbacks',
      'routes:\n  - { id: c, provider: demo, fallback: a }\n  - { id: a, provider: demo, fallback: b }\n  - { id: b, provider: demo, fallback: a }\n',
      'holdfast.yaml:3:40: routes[1].fallback: expected fallbacks that end, these go round: a → b → a',
    ],
    [
      'a persona with an unknown route',
      'personas:\n  - key: p\n    route: fast\n',
      'holdfast.yaml:3:12: personas[0].route: expected the id of a route: demo',
    ],
    [
      'a persona with an unknown model',
      'personas:\n  - key: p\n    model: gpt\n',
      'holdfast.yaml:3:12: personas[0].model: expected the id, an alias or the model of a route: demo',
    ],
    [
      'a persona with route and model',
      'personas:\n  - key: p\n    route: demo\n    model: demo\n',
      'holdfast.yaml:4:12: personas[0].model: expected either route or model, not both',
    ],
    [
      'an unknown default persona',
      'default_persona: boss\npersonas:\n  - key: p\n',
      'holdfast.yaml:1:18: default_persona: expected the key of a persona: p',
    ],
    [
      'two personas with one key',
      'personas:\n  - key: p\n  - key: p\n',
      "holdfast.yaml:3:10: personas[1].key: expected a key of its own, p is another persona's",
    ],
    [
      'a key that a path cannot hold',
      'personas:\n  - key: p@1\n',
      'holdfast.yaml:2:10: personas[0].key: expected a name without spaces, @, / and :',
    ],
    [
      'a negative number',
      'retention_days: -1\n',
      'holdfast.yaml:1:17: retention_days: expected a number of at least 0',
    ],
    [
      'a fraction of a retry',
      'routes:\n  - id: a\n    provider: demo\n    retries: 1.5\n',
      'holdfast.yaml:4:14: routes[0].retries: expected an integer',
    ],
    ['a number in words', 'credits_per_usd: many\n', 'holdfast.yaml:1:18: credits_per_usd: expected a number'],
    ['zero credits', 'credits_per_usd: 0\n', 'holdfast.yaml:1:18: credits_per_usd: expected a number greater than 0'],
    [
      'an unknown provider',
      'routes:\n  - id: a\n    provider: acme\n',
      'holdfast.yaml:3:15: routes[0].provider: expected one of openai, anthropic, openai-compatible, demo',
    ],
    [
      'a route without a provider',
      'retention_days: 1\nroutes:\n  - id: a\n',
      'holdfast.yaml:3:5: routes[0].provider: missing, expected one of openai, anthropic, openai-compatible, demo',
    ],
    [
      'a provider without a model',
      'routes:\n  - id: a\n    provider: openai\n    api_key: k\n',
      'holdfast.yaml:2:5: routes[0].model: required for provider openai',
    ],
    [
      'a provider without an address',
      'routes:\n  - { id: a, provider: openai-compatible, model: m }\n',
      'holdfast.yaml:2:5: routes[0].base_url: required for provider openai-compatible',
    ],
    [
      'an address that is none',
      'routes:\n  - { id: a, provider: openai-compatible, model: m, base_url: localhost }\n',
      'holdfast.yaml:2:63: routes[0].base_url: expected an http or https address',
    ],
    ['no routes', 'routes: []\n', 'holdfast.yaml:1:9: routes: expected at least one route'],
    ['a list that is a map', 'routes:\n  demo: { provider: demo }\n', 'holdfast.yaml:2:3: routes: expected a list'],
    [
      'an MCP server that is both kinds',
      'mcp:\n  files: { command: npx, url: "http://x" }\n',
      'holdfast.yaml:2:10: mcp.files: expected either command (with args, env) or url (with headers)',
    ],
    [
      'an MCP server that is neither',
      'mcp:\n  files:\n',
      'holdfast.yaml:2:9: mcp.files: expected a map of keys and values',
    ],
    [
      'an MCP server with a slash',
      'mcp:\n  a/b: { command: npx }\n',
      'holdfast.yaml:2:8: mcp["a/b"]: expected a name without spaces, / and *',
    ],
    [
      'an approval that is none',
      'personas:\n  - key: p\n    approval: { files/delete: maybe }\n',
      'holdfast.yaml:3:31: personas[0].approval["files/delete"]: expected one of always, never, hint',
    ],
    ['a text for the whole file', 'hello\n', 'holdfast.yaml:1:1: expected a map of keys and values'],
    [
      'broken YAML',
      'routes:\n  - id: a\n   provider: demo\n',
      'holdfast.yaml:3:1: not valid YAML: Sequence item without - indicator',
    ],
    [
      'a key twice',
      'retention_days: 1\nretention_days: 2\n',
      'holdfast.yaml:2:1: not valid YAML: Map keys must be unique',
    ],
    [
      'an alias without anchor',
      'retention_days: *days\n',
      'holdfast.yaml:1:17: not valid YAML: an alias without its anchor',
    ],
    [
      'more than one wrong thing',
      'retention_days: -1\ncredits_per_usd: x\n',
      'holdfast.yaml:1:17: retention_days: expected a number of at least 0 (and 1 more)',
    ],
  ];
  test.each(table)('%s', (_, yaml, message) => {
    expect(refusal(() => directory.load(yaml))).toBe(message);
  });

  test('a value of the file or the environment is never repeated', () => {
    const secret = 'sk-very-secret-value';
    const yamls = [
      `routes:\n  - { id: a, provider: demo, retries: "${secret}" }\n`,
      `routes:\n  - { id: a, provider: "${secret}" }\n`,
      `routes:\n  - { id: a, provider: demo, base_url: "${secret}" }\n`,
      `routes:\n  - id: a\n    api_key: |${secret}\n`,
      `routes:\n  - id: a\n    api_key: *${secret}\n`,
      `routes:\n  - id: a\n    api_key: @${secret}\n`,
      `routes:\n  - id: a\n    api_key: "${secret}\n`,
      `mcp:\n  a: { url: "\${KEY}" }\n`,
    ];
    for (const yaml of yamls) {
      const message = refusal(() => directory.load(yaml, { KEY: secret }));
      expect(message).not.toContain(secret);
      expect(message).toMatch(/^holdfast\.yaml:\d+:\d+: [^\n]+$/);
    }
  });
});
