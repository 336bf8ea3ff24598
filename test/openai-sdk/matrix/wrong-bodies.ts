/** Wrong request bodies of each operation, and what the refusal says: its `param` and `code`. */

export type WrongBody = { what: string; body: unknown; param: string | null; code: string | null };

/** A valid body, the fields it cannot lack, and changes of it that make it wrong. */
type Body = { valid: Record<string, unknown>; required?: string[]; wrong: Row[] };
type Row = [change: Record<string, unknown>, param: string, code: Code];
type Code = 'missing_required_parameter' | 'unknown_parameter' | 'invalid_type' | 'invalid_value' | TooMuch | NoModel;
type TooMuch = 'string_too_long' | 'array_above_max_length';
type NoModel = 'model_not_found';

const times = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);
const pairs = (count: number) => Object.fromEntries(times(count, 'v').map((value, i) => [`k${i}`, value]));
const weather = { type: 'function', function: { name: 'get_weather' } };

const METADATA: Row[] = [
  [{ metadata: 'x' }, 'metadata', 'invalid_type'],
  [{ metadata: { a: 1 } }, 'metadata.a', 'invalid_type'],
  [{ metadata: pairs(17) }, 'metadata', 'invalid_value'],
  [{ metadata: { ['k'.repeat(65)]: 'v' } }, `metadata.${'k'.repeat(65)}`, 'string_too_long'],
  [{ metadata: { a: 'v'.repeat(513) } }, 'metadata.a', 'string_too_long'],
];
const TOOLS: Row[] = [
  [{ tools: 'x' }, 'tools', 'invalid_type'],
  [{ tools: [{}] }, 'tools[0].type', 'missing_required_parameter'],
  [{ tools: [{ type: 'banana' }] }, 'tools[0].type', 'invalid_value'],
  [{ tools: [weather, { type: 'function' }] }, 'tools[1].function', 'missing_required_parameter'],
  [{ tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name', 'missing_required_parameter'],
  [{ tools: [{ type: 'function', function: { name: 5 } }] }, 'tools[0].function.name', 'invalid_type'],
];
const MODEL: Row[] = [
  [{ model: 5 }, 'model', 'invalid_type'],
  [{ model: 'gpt-none' }, 'model', 'model_not_found'],
];
const SAMPLING: Row[] = [
  [{ temperature: 'hot' }, 'temperature', 'invalid_type'],
  [{ temperature: 2.1 }, 'temperature', 'invalid_value'],
  [{ temperature: -0.1 }, 'temperature', 'invalid_value'],
  [{ top_p: 1.1 }, 'top_p', 'invalid_value'],
  [{ response_format: 'loud' }, 'response_format', 'invalid_value'],
  [{ response_format: { type: 'xml' } }, 'response_format.type', 'invalid_value'],
  [
    { response_format: { type: 'json_schema' } },
    ...(['response_format.json_schema', 'missing_required_parameter'] as const),
  ],
];
const ASSISTANT: Row[] = [
  ...[...MODEL, ...TOOLS, ...SAMPLING, ...METADATA],
  [{ name: 5 }, 'name', 'invalid_type'],
  [{ name: 'n'.repeat(257) }, 'name', 'string_too_long'],
  [{ description: 'd'.repeat(513) }, 'description', 'string_too_long'],
  [{ instructions: 'i'.repeat(256_001) }, 'instructions', 'string_too_long'],
  [{ tools: times(129, weather) }, 'tools', 'array_above_max_length'],
  [{ reasoning_effort: 'huge' }, 'reasoning_effort', 'invalid_value'],
  [{ tool_resources: 'x' }, 'tool_resources', 'invalid_type'],
];

/** Of a message whose path in the body is `at`. */
const MESSAGE: Row[] = [
  [{ role: 'system' }, 'role', 'invalid_value'],
  [{ role: 5 }, 'role', 'invalid_type'],
  [{ content: 5 }, 'content', 'invalid_type'],
  [{ content: [] }, 'content', 'invalid_value'],
  [{ content: [{ type: 'video' }] }, 'content[0].type', 'invalid_value'],
  [{ content: [{ type: 'text' }] }, 'content[0].text', 'missing_required_parameter'],
  [{ content: [{ type: 'text', text: 5 }] }, 'content[0].text', 'invalid_type'],
  [{ content: [{ type: 'image_url', image_url: {} }] }, 'content[0].image_url.url', 'missing_required_parameter'],
  [{ attachments: 'x' }, 'attachments', 'invalid_type'],
  ...METADATA,
];
const message = { role: 'user', content: 'Hello' };
/** The same rows where messages are an array of the body. */
const messagesAt = (field: string): Row[] => [
  [{ [field]: 'x' }, field, 'invalid_type'],
  [{ [field]: [message, { content: 'x' }] }, `${field}[1].role`, 'missing_required_parameter'],
  [{ [field]: [{ role: 'user' }] }, `${field}[0].content`, 'missing_required_parameter'],
  [{ [field]: [{ ...message, colour: 'red' }] }, `${field}[0].colour`, 'unknown_parameter'],
  ...MESSAGE.map(
    ([change, param, code]): Row => [
      { [field]: [{ ...message, ...change }] },
      ...([`${field}[0].${param}`, code] as const),
    ],
  ),
];
const THREAD: Row[] = [...messagesAt('messages'), ...METADATA];

const RUN: Row[] = [
  ...[...MODEL, ...TOOLS, ...SAMPLING, ...METADATA],
  [{ assistant_id: 5 }, 'assistant_id', 'invalid_type'],
  [{ assistant_id: null }, 'assistant_id', 'invalid_type'],
  [{ instructions: 5 }, 'instructions', 'invalid_type'],
  [{ tools: times(21, weather) }, 'tools', 'array_above_max_length'],
  [{ max_prompt_tokens: 255 }, 'max_prompt_tokens', 'invalid_value'],
  [{ max_completion_tokens: 255 }, 'max_completion_tokens', 'invalid_value'],
  [{ max_completion_tokens: 'many' }, 'max_completion_tokens', 'invalid_type'],
  [{ max_completion_tokens: 256.5 }, 'max_completion_tokens', 'invalid_type'],
  [{ truncation_strategy: {} }, 'truncation_strategy.type', 'missing_required_parameter'],
  [{ truncation_strategy: { type: 'some' } }, 'truncation_strategy.type', 'invalid_value'],
  [
    { truncation_strategy: { type: 'last_messages', last_messages: 0 } },
    ...(['truncation_strategy.last_messages', 'invalid_value'] as const),
  ],
  [{ tool_choice: 'sometimes' }, 'tool_choice', 'invalid_value'],
  [{ tool_choice: { type: 'banana' } }, 'tool_choice.type', 'invalid_value'],
  [{ parallel_tool_calls: 'no' }, 'parallel_tool_calls', 'invalid_type'],
  [{ stream: 'yes' }, 'stream', 'invalid_type'],
];
const prefixed = (at: string, rows: Row[]): Row[] =>
  rows.map(([change, param, code]) => [{ [at]: change }, `${at}.${param}`, code]);

const BODIES: Record<string, Body> = {
  createAssistant: { valid: { model: 'gpt-4o' }, required: ['model'], wrong: ASSISTANT },
  modifyAssistant: { valid: {}, wrong: ASSISTANT },
  createThread: { valid: {}, wrong: THREAD },
  modifyThread: { valid: {}, wrong: METADATA },
  createMessage: { valid: message, required: ['role', 'content'], wrong: MESSAGE },
  modifyMessage: { valid: {}, wrong: METADATA },
  createRun: {
    valid: { assistant_id: 'assistant' },
    required: ['assistant_id'],
    wrong: [
      ...RUN,
      ...messagesAt('additional_messages'),
      [{ additional_instructions: 5 }, 'additional_instructions', 'invalid_type'],
      [{ reasoning_effort: 'huge' }, 'reasoning_effort', 'invalid_value'],
    ],
  },
  createThreadAndRun: {
    valid: { assistant_id: 'assistant' },
    required: ['assistant_id'],
    wrong: [
      ...RUN,
      ...prefixed('thread', THREAD),
      [{ thread: { colour: 'red' } }, 'thread.colour', 'unknown_parameter'],
    ],
  },
  modifyRun: { valid: {}, wrong: METADATA },
  submitToolOutputs: {
    valid: { tool_outputs: [] },
    required: ['tool_outputs'],
    wrong: [
      [{ tool_outputs: 'x' }, 'tool_outputs', 'invalid_type'],
      [{ tool_outputs: ['x'] }, 'tool_outputs[0]', 'invalid_type'],
      [{ tool_outputs: [{ tool_call_id: 5 }] }, 'tool_outputs[0].tool_call_id', 'invalid_type'],
      [{ tool_outputs: [{ tool_call_id: 'call_x', output: 5 }] }, 'tool_outputs[0].output', 'invalid_type'],
      [{ stream: 'yes' }, 'stream', 'invalid_type'],
    ],
  },
};

/** Every wrong body of an operation; none for one without a body. */
export function wrongBodiesOf(operation: string): WrongBody[] {
  const body = BODIES[operation];
  if (!body) return [];
  const without = (field: string) => Object.fromEntries(Object.entries(body.valid).filter(([name]) => name !== field));
  return [
    { what: 'half a JSON', body: '{"half": ', param: null, code: null },
    { what: 'an array', body: [], param: null, code: 'invalid_type' },
    { what: 'an unknown field', body: { ...body.valid, colour: 'red' }, param: 'colour', code: 'unknown_parameter' },
    ...(body.required ?? []).map((field) => ({
      ...{ what: `no ${field}`, body: without(field), param: field, code: 'missing_required_parameter' },
    })),
    ...body.wrong.map(([change, param, code]) => ({
      ...{ what: brief(change), body: { ...body.valid, ...change }, param, code },
    })),
  ];
}

const brief = (change: unknown) => {
  const text = JSON.stringify(change);
  return text.length > 100 ? `${text.slice(0, 100)}… (${text.length} characters)` : text;
};
