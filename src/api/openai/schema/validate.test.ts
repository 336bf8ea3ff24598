/** What is wrong with a body, in OpenAI's words. */
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../../errors.ts';
import { answerSchema, readDocument, requestSchema } from './document.ts';
import { bodyReader, createAjv } from './validate.ts';

const readBody = bodyReader();
type Name = Parameters<typeof readBody>[0];

function refusalOf(name: Name, body: unknown): [unknown, unknown, string] {
  try {
    readBody(name, body);
  } catch (error) {
    if (error instanceof HoldfastError) return [error.details?.code, error.details?.param, error.message];
    throw error;
  }
  throw new Error('the body was taken');
}

const run = (more: object) => ({ assistant_id: 'asst_1', ...more });
const assistant = (more: object) => ({ model: 'm', ...more });
const message = (more: object) => ({ role: 'user', content: 'x', ...more });

describe('a body is refused', () => {
  it.each<[Name, unknown, string, string | null]>([
    ['CreateRunRequest', {}, 'missing_required_parameter', 'assistant_id'],
    ['CreateRunRequest', [], 'invalid_type', null],
    ['CreateRunRequest', run({ asistant: 1 }), 'unknown_parameter', 'asistant'],
    ['CreateRunRequest', run({ assistant_id: 3 }), 'invalid_type', 'assistant_id'],
    ['CreateRunRequest', run({ temperature: '1' }), 'invalid_type', 'temperature'],
    ['CreateRunRequest', run({ temperature: 3 }), 'invalid_value', 'temperature'],
    ['CreateRunRequest', run({ temperature: -0.5 }), 'invalid_value', 'temperature'],
    ['CreateRunRequest', run({ max_prompt_tokens: 255 }), 'invalid_value', 'max_prompt_tokens'],
    ['CreateRunRequest', run({ max_completion_tokens: 300.5 }), 'invalid_type', 'max_completion_tokens'],
    ['CreateRunRequest', run({ truncation_strategy: { type: 'first' } }), 'invalid_value', 'truncation_strategy.type'],
    ['CreateRunRequest', run({ truncation_strategy: {} }), 'missing_required_parameter', 'truncation_strategy.type'],
    ['CreateRunRequest', run({ tool_choice: 'sometimes' }), 'invalid_value', 'tool_choice'],
    [
      'CreateRunRequest',
      run({ tool_choice: { type: 'function', function: {} } }),
      'missing_required_parameter',
      'tool_choice.function.name',
    ],
    ['CreateRunRequest', run({ response_format: 'xml' }), 'invalid_value', 'response_format'],
    ['CreateRunRequest', run({ response_format: { type: 'xml' } }), 'invalid_value', 'response_format.type'],
    ['CreateRunRequest', run({ response_format: {} }), 'missing_required_parameter', 'response_format.type'],
    ['CreateRunRequest', run({ response_format: 1 }), 'invalid_type', 'response_format'],
    ['CreateRunRequest', run({ reasoning_effort: 'huge' }), 'invalid_value', 'reasoning_effort'],
    [
      'CreateRunRequest',
      run({ tools: Array(21).fill({ type: 'function', function: { name: 'f' } }) }),
      'array_above_max_length',
      'tools',
    ],
    [
      'CreateRunRequest',
      run({ tools: [{ type: 'function', function: {} }] }),
      'missing_required_parameter',
      'tools[0].function.name',
    ],
    [
      'CreateRunRequest',
      run({ tools: [{ type: 'function', function: { name: 'a b' } }] }),
      'invalid_value',
      'tools[0].function.name',
    ],
    ['CreateRunRequest', run({ tools: [{ type: 'browser' }] }), 'invalid_value', 'tools[0].type'],
    ['CreateRunRequest', run({ tools: ['f'] }), 'invalid_type', 'tools[0]'],
    ['CreateRunRequest', run({ metadata: { a: 1 } }), 'invalid_type', 'metadata.a'],
    ['CreateRunRequest', run({ metadata: { a: 'x'.repeat(513) } }), 'string_too_long', 'metadata.a'],
    ['CreateRunRequest', run({ metadata: { ['k'.repeat(65)]: '' } }), 'string_too_long', `metadata.${'k'.repeat(65)}`],
    [
      'CreateRunRequest',
      run({ metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, ''])) }),
      'invalid_value',
      'metadata',
    ],
    [
      'CreateRunRequest',
      run({ additional_messages: [message({ role: 'system' })] }),
      'invalid_value',
      'additional_messages[0].role',
    ],
    ['CreateThreadAndRunRequest', run({ reasoning_effort: 'low' }), 'unknown_parameter', 'reasoning_effort'],
    [
      'CreateThreadAndRunRequest',
      run({ thread: { messages: [{}] } }),
      'missing_required_parameter',
      'thread.messages[0].role',
    ],
    ['CreateAssistantRequest', { name: 'x' }, 'missing_required_parameter', 'model'],
    ['CreateAssistantRequest', assistant({ name: 'x'.repeat(257) }), 'string_too_long', 'name'],
    ['CreateAssistantRequest', assistant({ name: 7 }), 'invalid_type', 'name'],
    [
      'CreateAssistantRequest',
      assistant({ tools: Array(129).fill({ type: 'function', function: { name: 'f' } }) }),
      'array_above_max_length',
      'tools',
    ],
    ['CreateMessageRequest', { role: 'user' }, 'missing_required_parameter', 'content'],
    ['CreateMessageRequest', message({ content: '' }), 'invalid_value', 'content'],
    ['CreateMessageRequest', message({ content: [] }), 'invalid_value', 'content'],
    ['CreateMessageRequest', message({ content: 5 }), 'invalid_type', 'content'],
    ['CreateMessageRequest', message({ content: [{ type: 'text' }] }), 'missing_required_parameter', 'content[0].text'],
    [
      'CreateMessageRequest',
      message({ content: [{ type: 'text', text: { value: 'x' } }] }),
      'invalid_type',
      'content[0].text',
    ],
    [
      'CreateMessageRequest',
      message({ content: [{ type: 'image_url', image_url: { url: 'ftp://x/y' } }] }),
      'invalid_value',
      'content[0].image_url.url',
    ],
    ['CreateMessageRequest', message({ content: [{ type: 'audio' }] }), 'invalid_value', 'content[0].type'],
    ['SubmitToolOutputsRunRequest', {}, 'missing_required_parameter', 'tool_outputs'],
    [
      'SubmitToolOutputsRunRequest',
      { tool_outputs: [{ tool_call_id: 1 }] },
      'invalid_type',
      'tool_outputs[0].tool_call_id',
    ],
  ])('%s %j: %s %s', (name, body, code, param) => {
    expect(refusalOf(name, body).slice(0, 2)).toEqual([code, param]);
  });

  it.each<[unknown, string]>([
    [{}, "Missing required parameter: 'assistant_id'."],
    [run({ temperature: 'x' }), "Invalid type for 'temperature': expected a number, but got a string instead."],
    [
      run({ tool_choice: 7 }),
      "Invalid type for 'tool_choice': expected a string or an object, but got an integer instead.",
    ],
    [run({ stream: 'yes' }), "Invalid type for 'stream': expected a boolean, but got a string instead."],
    [run({ x: 1 }), "Unknown parameter: 'x'."],
  ])('and says why: %j', (body, said) => {
    expect(refusalOf('CreateRunRequest', body)[2]).toBe(said);
  });
});

describe('a body is taken', () => {
  it.each<[Name, unknown]>([
    [
      'CreateRunRequest',
      run({
        model: null,
        instructions: null,
        tools: null,
        temperature: null,
        truncation_strategy: null,
        tool_choice: null,
        response_format: null,
        metadata: null,
        additional_messages: null,
        stream: null,
      }),
    ],
    [
      'CreateRunRequest',
      run({ response_format: 'auto', tool_choice: 'required', reasoning_effort: 'high', max_prompt_tokens: 256 }),
    ],
    [
      'CreateAssistantRequest',
      assistant({
        name: null,
        tools: [{ type: 'function', function: { name: 'f', strict: null, parameters: { any: ['thing'] } } }],
      }),
    ],
    [
      'CreateMessageRequest',
      message({
        content: [{ type: 'image_url', image_url: { url: 'https://x.example/y.png', detail: 'low' } }],
        attachments: null,
      }),
    ],
    ['CreateThreadRequest', {}],
    ['SubmitToolOutputsRunRequest', { tool_outputs: [], stream: true }],
  ])('%s %j', (name, body) => {
    expect(readBody(name, body)).toBe(body);
  });
});

describe('OpenAI’s document', () => {
  const document = readDocument();
  const schemas = Object.keys(document.components.schemas);

  it('is whole: 13 paths and every schema, each of which compiles', () => {
    const paths = Object.keys(document.paths);
    expect(paths).toHaveLength(13);
    const ajv = createAjv();
    for (const name of schemas) ajv.compile(answerSchema(document, { $ref: `#/components/schemas/${name}` }));
    for (const name of schemas) ajv.compile(requestSchema(document, name));
  });

  it('gives every body of its paths a schema that is closed', () => {
    const bodies = Object.values(document.paths)
      .map((path) => path.post?.requestBody?.content['application/json'].schema.$ref?.split('/').at(-1))
      .filter((name) => name !== undefined);
    expect(bodies).toHaveLength(10);
    for (const name of bodies)
      expect(refusalOf(name as Name, { no_such_field: 1, ...REQUIRED[name] })[0]).toBe('unknown_parameter');
  });
});

const REQUIRED: Record<string, object> = {
  CreateAssistantRequest: { model: 'm' },
  CreateMessageRequest: { role: 'user', content: 'x' },
  CreateRunRequest: { assistant_id: 'a' },
  CreateThreadAndRunRequest: { assistant_id: 'a' },
  SubmitToolOutputsRunRequest: { tool_outputs: [] },
};
