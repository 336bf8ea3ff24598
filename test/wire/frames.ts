import type { Reply, Wire, WireUsage } from './reply.ts';

const DEFAULT_USAGE: WireUsage = { input: 10, output: 5 };

/** A reply as the SSE frames of one wire: what opens the stream, its deltas, the error if any, and what finishes it. */
export type Frames = { open: string[]; deltas: string[]; error: string[]; finish: string[] };

/** Spells a reply in a provider's streaming protocol. */
export function toFrames(wire: Wire, reply: Reply, model: string): Frames {
  const usage = reply.usage === undefined ? DEFAULT_USAGE : reply.usage;
  const calls = (reply.toolCalls ?? []).map((call, index) => ({
    id: call.id ?? `wire_${index + 1}`,
    name: call.name,
    json: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments),
  }));
  const spell = { openai: responsesFrames, 'openai-compatible': chatFrames, anthropic: anthropicFrames }[wire];
  return spell(reply, calls, usage, model);
}

type Call = { id: string; name: string; json: string };

const event = (data: { type: string; [key: string]: unknown }) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;

/** https://platform.openai.com/docs/api-reference/responses-streaming */
function responsesFrames(reply: Reply, calls: Call[], usage: WireUsage | null, model: string): Frames {
  const response = { id: 'resp_1', object: 'response', created_at: 1, model, service_tier: null };
  const deltas: string[] = [];
  let index = 0;
  if (reply.reasoning) {
    const at = { item_id: 'rs_1', output_index: index };
    const item = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: null };
    deltas.push(event({ type: 'response.output_item.added', output_index: index, item }));
    deltas.push(event({ type: 'response.reasoning_summary_part.added', ...at, summary_index: 0 }));
    for (const delta of reply.reasoning)
      deltas.push(event({ type: 'response.reasoning_summary_text.delta', ...at, summary_index: 0, delta }));
    deltas.push(event({ type: 'response.output_item.done', output_index: index++, item }));
  }
  if (reply.text) {
    const item = { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [] };
    deltas.push(event({ type: 'response.output_item.added', output_index: index, item }));
    for (const delta of reply.text)
      deltas.push(
        event({ type: 'response.output_text.delta', item_id: 'msg_1', output_index: index, content_index: 0, delta }),
      );
    deltas.push(event({ type: 'response.output_item.done', output_index: index++, item }));
  }
  for (const call of calls) {
    const item = { type: 'function_call', id: `fc_${call.id}`, call_id: call.id, name: call.name, arguments: '' };
    deltas.push(event({ type: 'response.output_item.added', output_index: index, item }));
    deltas.push(
      event({
        type: 'response.function_call_arguments.delta',
        item_id: item.id,
        output_index: index,
        delta: call.json,
      }),
    );
    const done = { ...item, arguments: call.json, status: 'completed' };
    deltas.push(event({ type: 'response.output_item.done', output_index: index++, item: done }));
  }
  const wireUsage = usage && {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cached ?? 0 },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
    total_tokens: usage.input + usage.output,
  };
  const reason = { length: 'max_output_tokens', content_filter: 'content_filter', stop: null }[reply.finish ?? 'stop'];
  const type = reason ? 'response.incomplete' : 'response.completed';
  return {
    open: [
      event({ type: 'response.created', response }),
      event({ type: 'response.in_progress', sequence_number: 1, response }),
    ],
    deltas,
    error: reply.error
      ? [
          event({
            type: 'response.failed',
            sequence_number: 9,
            response: {
              ...response,
              error: { code: reply.error.code ?? reply.error.type ?? 'server_error', message: reply.error.message },
              usage: wireUsage,
            },
          }),
        ]
      : [],
    finish: [
      event({ type, response: { ...response, incomplete_details: reason ? { reason } : null, usage: wireUsage } }),
    ],
  };
}

/** https://platform.openai.com/docs/api-reference/chat-streaming */
function chatFrames(reply: Reply, calls: Call[], usage: WireUsage | null, model: string): Frames {
  const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model };
  const chunk = (delta: unknown, finish: string | null = null) =>
    data({ ...head, choices: [{ index: 0, delta, finish_reason: finish }] });
  const wireUsage = usage && {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cached ?? 0 },
    completion_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
  };
  return {
    open: [chunk({ role: 'assistant', content: '' })],
    deltas: [
      ...(reply.reasoning ?? []).map((text) => chunk({ reasoning_content: text })),
      ...(reply.text ?? []).map((text) => chunk({ content: text })),
      ...calls.flatMap((call, index) => [
        chunk({ tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }] }),
        chunk({ tool_calls: [{ index, function: { arguments: call.json } }] }),
      ]),
    ],
    error: reply.error ? [data({ error: reply.error })] : [],
    finish: [
      chunk({}, reply.finish ?? (calls.length > 0 ? 'tool_calls' : 'stop')),
      ...(wireUsage ? [data({ ...head, choices: [], usage: wireUsage })] : []),
      'data: [DONE]\n\n',
    ],
  };
}

/** https://docs.anthropic.com/en/docs/build-with-claude/streaming */
function anthropicFrames(reply: Reply, calls: Call[], usage: WireUsage | null, model: string): Frames {
  const cached = usage?.cached ?? 0;
  const deltas: string[] = [];
  let index = 0;
  const block = (start: object, parts: object[]) => {
    deltas.push(event({ type: 'content_block_start', index, content_block: start }));
    for (const delta of parts) deltas.push(event({ type: 'content_block_delta', index, delta }));
    deltas.push(event({ type: 'content_block_stop', index: index++ }));
  };
  if (reply.reasoning) {
    block(
      { type: 'thinking', thinking: '', signature: '' },
      reply.reasoning.map((thinking) => ({ type: 'thinking_delta', thinking })),
    );
  }
  if (reply.text) {
    block(
      { type: 'text', text: '' },
      reply.text.map((text) => ({ type: 'text_delta', text })),
    );
  }
  for (const call of calls) {
    block({ type: 'tool_use', id: call.id, name: call.name, input: {} }, [
      { type: 'input_json_delta', partial_json: call.json },
    ]);
  }
  const stop = { length: 'max_tokens', content_filter: 'refusal', stop: 'end_turn' }[reply.finish ?? 'stop'];
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    usage: { input_tokens: (usage?.input ?? 0) - cached, cache_read_input_tokens: cached, output_tokens: 0 },
  };
  const thinking =
    usage?.reasoning === undefined ? {} : { output_tokens_details: { thinking_tokens: usage.reasoning } };
  return {
    open: [event({ type: 'message_start', message })],
    deltas,
    error: reply.error
      ? [event({ type: 'error', error: { type: reply.error.type ?? 'api_error', message: reply.error.message } })]
      : [],
    finish: [
      event({
        type: 'message_delta',
        delta: { stop_reason: calls.length > 0 && !reply.finish ? 'tool_use' : stop, stop_sequence: null },
        usage: { output_tokens: usage?.output ?? 0, ...thinking },
      }),
      event({ type: 'message_stop' }),
    ],
  };
}
