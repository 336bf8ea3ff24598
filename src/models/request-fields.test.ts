import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, say, TEST_KEY, WIRES, wireRoute } from '../../test/wire/collect.ts';
import type { Wire } from '../../test/wire/reply.ts';
import { startWire, type WireServer } from '../../test/wire/server.ts';
import { openModels } from './open-models.ts';
import type { ContentPart, ModelRequest, Models, Route } from './types.ts';

let wire: WireServer;
let models: Models;

beforeAll(async () => {
  const reply = [{ text: ['ok'] }];
  wire = await startWire({ openai: reply, 'openai-compatible': reply, anthropic: reply });
  models = await openModels(WIRES.map((it) => wireRoute(it, wire.url)));
});
afterAll(() => wire.close());

/** The body that this request becomes at a provider. */
async function sent(provider: Wire, request: ModelRequest) {
  const { error } = await collect(
    models.stream(models.route(provider) as Route, request, new AbortController().signal),
  );
  expect(error).toBeUndefined();
  const last = wire.requests.at(-1);
  expect(last?.wire).toBe(provider);
  return last as NonNullable<typeof last>;
}

const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const TOOL = { name: 'files/read', description: 'Reads a file.', parameters: SCHEMA };
const IMAGE: ContentPart[] = [
  { type: 'text', text: 'What is this?' },
  { type: 'image_url', image_url: { url: 'https://images.example/cat.png?x=1', detail: 'low' } },
];
const PIXEL: ContentPart[] = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }];

describe('OpenAI Responses', () => {
  it('carries every field of the request', async () => {
    const { body, headers } = await sent(
      'openai',
      say('Hi', {
        system: 'Be brief.',
        tools: [TOOL],
        max_output_tokens: 77,
        temperature: 0.5,
        top_p: 0.9,
        tool_choice: { name: 'files/read' },
        parallel_tool_calls: false,
        response_format: { type: 'json_schema', name: 'answer', schema: SCHEMA, strict: true },
      }),
    );
    expect(headers.authorization).toBe(`Bearer ${TEST_KEY}`);
    expect(body).toMatchObject({
      model: 'gpt-4.1-mini',
      stream: true,
      store: false,
      input: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
      ],
      tools: [
        { type: 'function', name: 'files_read', description: 'Reads a file.', parameters: SCHEMA, strict: false },
      ],
      max_output_tokens: 77,
      temperature: 0.5,
      top_p: 0.9,
      tool_choice: { type: 'function', name: 'files_read' },
      parallel_tool_calls: false,
      text: { format: { type: 'json_schema', name: 'answer', schema: SCHEMA, strict: true } },
    });
  });

  it('carries the reasoning effort, JSON mode and a strict tool', async () => {
    const request = say('Hi', {
      reasoning_effort: 'high',
      tools: [{ ...TOOL, strict: true }],
      response_format: { type: 'json_object' },
    });
    const { body } = await sent('openai', request);
    expect(body.reasoning).toEqual({ effort: 'high' });
    expect(body.text).toEqual({ format: { type: 'json_object' } });
    expect(body.tools).toMatchObject([{ strict: true }]);
  });

  it('carries images by address and by data', async () => {
    expect((await sent('openai', say(IMAGE))).body.input).toEqual([
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'What is this?' },
          { type: 'input_image', image_url: 'https://images.example/cat.png?x=1', detail: 'low' },
        ],
      },
    ]);
    expect((await sent('openai', say(PIXEL))).body.input).toMatchObject([
      { content: [{ type: 'input_image', image_url: 'data:image/png;base64,iVBORw0KGgo=' }] },
    ]);
  });
});

describe('chat completions', () => {
  it('carries every field of the request', async () => {
    const { body, headers } = await sent(
      'openai-compatible',
      say('Hi', {
        system: 'Be brief.',
        tools: [TOOL],
        max_output_tokens: 77,
        temperature: 0.5,
        top_p: 0.9,
        tool_choice: { name: 'files/read' },
        parallel_tool_calls: false,
        reasoning_effort: 'low',
        response_format: { type: 'json_schema', name: 'answer', schema: SCHEMA, strict: true },
      }),
    );
    expect(headers.authorization).toBe(`Bearer ${TEST_KEY}`);
    expect(body).toEqual({
      model: 'gpt-4.1-mini',
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
      tools: [{ type: 'function', function: { name: 'files_read', description: 'Reads a file.', parameters: SCHEMA } }],
      max_tokens: 77,
      temperature: 0.5,
      top_p: 0.9,
      tool_choice: { type: 'function', function: { name: 'files_read' } },
      parallel_tool_calls: false,
      reasoning_effort: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: SCHEMA, strict: true } },
    });
  });

  it('carries JSON mode, a schema that is not strict, and a strict tool', async () => {
    const { body } = await sent('openai-compatible', say('Hi', { response_format: { type: 'json_object' } }));
    expect(body.response_format).toEqual({ type: 'json_object' });
    const loose = { type: 'json_schema', name: 'answer', schema: SCHEMA } as const;
    const other = await sent(
      'openai-compatible',
      say('Hi', { response_format: loose, tools: [{ ...TOOL, strict: true }] }),
    );
    expect(other.body.response_format).toMatchObject({ json_schema: { strict: false } });
    expect(other.body.tools).toMatchObject([{ function: { strict: true } }]);
  });

  it('carries images by address and by data', async () => {
    expect((await sent('openai-compatible', say(IMAGE))).body.messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: 'https://images.example/cat.png?x=1', detail: 'low' } },
        ],
      },
    ]);
    expect((await sent('openai-compatible', say(PIXEL))).body.messages).toMatchObject([
      { content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }] },
    ]);
  });
});

describe('Anthropic', () => {
  it('carries every field of the request', async () => {
    const { body, headers } = await sent(
      'anthropic',
      say('Hi', {
        system: 'Be brief.',
        tools: [TOOL],
        max_output_tokens: 77,
        temperature: 0.5,
        tool_choice: { name: 'files/read' },
        parallel_tool_calls: false,
      }),
    );
    expect(headers['x-api-key']).toBe(TEST_KEY);
    expect(body).toEqual({
      model: 'claude-sonnet-4-5',
      stream: true,
      system: [{ type: 'text', text: 'Be brief.' }],
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
      tools: [{ name: 'files_read', description: 'Reads a file.', input_schema: SCHEMA }],
      max_tokens: 77,
      temperature: 0.5,
      tool_choice: { type: 'tool', name: 'files_read', disable_parallel_tool_use: true },
    });
  });

  it('carries top_p, the effort, a schema and a strict tool', async () => {
    const { body } = await sent(
      'anthropic',
      say('Hi', {
        top_p: 0.9,
        reasoning_effort: 'high',
        response_format: { type: 'json_schema', name: 'answer', schema: SCHEMA },
        tools: [{ ...TOOL, strict: true }],
      }),
    );
    expect(body).toMatchObject({
      top_p: 0.9,
      output_config: { effort: 'high', format: { type: 'json_schema', schema: SCHEMA } },
      tools: [{ strict: true }],
    });
    expect(body.max_tokens).toBeGreaterThan(1_000);
  });

  it('asks for JSON in words, having no JSON mode', async () => {
    const { body } = await sent(
      'anthropic',
      say('Hi', { system: 'Be brief.', response_format: { type: 'json_object' } }),
    );
    expect(body.system).toEqual([{ type: 'text', text: expect.stringMatching(/^Be brief\.\n\n.*JSON object/) }]);
  });

  it('carries images by address and by data', async () => {
    expect((await sent('anthropic', say(IMAGE))).body.messages).toMatchObject([
      {
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image', source: { type: 'url', url: 'https://images.example/cat.png?x=1' } },
        ],
      },
    ]);
    expect((await sent('anthropic', say(PIXEL))).body.messages).toMatchObject([
      { content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } }] },
    ]);
  });
});

describe.each(WIRES)('%s', (provider) => {
  it.each(['auto', 'none', 'required'] as const)('tool_choice %s reaches the provider', async (choice) => {
    const { body } = await sent(provider, say('Hi', { tools: [TOOL], tool_choice: choice }));
    const anthropic = { auto: { type: 'auto' }, none: { type: 'none' }, required: { type: 'any' } }[choice];
    expect(body.tool_choice).toEqual(provider === 'anthropic' ? anthropic : choice);
  });

  it('sends nothing that was not asked for', async () => {
    const { body } = await sent(provider, say('Hi'));
    const allowed = ['model', 'input', 'messages', 'stream', 'stream_options', 'store', 'max_tokens'];
    expect(Object.keys(body).filter((key) => !allowed.includes(key))).toEqual([]);
    expect('max_tokens' in body).toBe(provider === 'anthropic');
  });

  it('never fetches an image itself', async () => {
    const images = await startWire();
    const url = `${images.url.replace('/v1', '')}/cat.png`;
    const { body } = await sent(provider, say([{ type: 'image_url', image_url: { url } }]));
    expect(JSON.stringify(body)).toContain(url);
    expect(images.requests).toHaveLength(0);
    await images.close();
  });

  it('refuses an image that is neither http nor base64 data, before asking the provider', async () => {
    const before = wire.requests.length;
    const request = say([{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }]);
    const { error } = await collect(
      models.stream(models.route(provider) as Route, request, new AbortController().signal),
    );
    expect(error).toMatchObject({ code: 'provider.bad_request', retryable: false });
    expect(wire.requests).toHaveLength(before);
  });
});
