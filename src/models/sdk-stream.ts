import type {
  LanguageModelV4,
  LanguageModelV4StreamPart,
  LanguageModelV4ToolCall,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import { toCallOptions } from './call-options.ts';
import { estimateUsage } from './estimate.ts';
import { streamBroken } from './model-error.ts';
import { openOutbound } from './outbound.ts';
import type { Provider } from './provider.ts';
import { fromSdkError } from './sdk-error.ts';
import type { Source } from './step.ts';
import { mapToolNames, type ToolNames } from './tool-names.ts';
import type { FinishReason, ModelPart, ModelRequest, RouteConfig, Usage } from './types.ts';

type SdkFinish = Extract<LanguageModelV4StreamPart, { type: 'finish' }>;

/**
 * A source that asks a provider, one HTTP request per step. The AI SDK is used at its lowest level (`doStream`): no
 * retries, no downloads, no stream transforms of its own between the wire and us.
 */
export function sdkSource(config: RouteConfig, provider: Provider): Source {
  return async function* (request, signal, onSign) {
    const outbound = openOutbound(provider.baseUrl, config.api_key, onSign);
    try {
      const names = mapToolNames(request);
      const options = toCallOptions(request, config.provider, names, signal);
      yield* readParts(provider.connect(outbound.fetch), options, request, names);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw fromSdkError(error, outbound);
    }
  };
}

async function* readParts(
  model: LanguageModelV4,
  options: Parameters<LanguageModelV4['doStream']>[0],
  request: ModelRequest,
  names: ToolNames,
): AsyncGenerator<ModelPart> {
  const { stream } = await model.doStream(options);
  const reader = stream.getReader();
  let outputCharacters = 0;
  let called = false;
  let finish: SdkFinish | undefined;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    switch (value.type) {
      case 'text-delta':
        if (value.delta === '') break;
        outputCharacters += value.delta.length;
        yield { type: 'text', text: value.delta };
        break;
      case 'reasoning-delta':
        if (value.delta === '') break;
        outputCharacters += value.delta.length;
        yield { type: 'reasoning', text: value.delta };
        break;
      case 'tool-call':
        called = true;
        outputCharacters += value.toolName.length + value.input.length;
        yield toolCall(value, names);
        break;
      case 'error':
        throw value.error;
      case 'finish':
        finish ??= value;
        break;
    }
  }
  if (finish === undefined || finish.finishReason.unified === 'interrupted') {
    throw streamBroken("The provider's stream ended before it was finished.");
  }
  if (finish.finishReason.unified === 'error') throw streamBroken('The provider ended the stream with an error.');
  yield {
    type: 'finish',
    finish_reason: finishReason(finish.finishReason.unified, called),
    usage: readUsage(finish.usage) ?? estimateUsage(request, outputCharacters),
  };
}

function toolCall(call: LanguageModelV4ToolCall, names: ToolNames): ModelPart {
  const part = { type: 'tool_call' as const, provider_call_id: call.toolCallId, name: names.fromWire(call.toolName) };
  if (call.input.trim() === '') return { ...part, arguments: {} };
  try {
    return { ...part, arguments: JSON.parse(call.input) };
  } catch {
    return { ...part, arguments: {}, invalid: call.input };
  }
}

/** Some servers say `stop` after tool calls; the calls count. */
function finishReason(unified: SdkFinish['finishReason']['unified'], called: boolean): FinishReason {
  switch (unified) {
    case 'tool-calls':
      return 'tool_calls';
    case 'content-filter':
      return 'content_filter';
    case 'stop':
      return called ? 'tool_calls' : 'stop';
    case 'length':
      return 'length';
    default:
      return called ? 'tool_calls' : 'other';
  }
}

/** undefined when the stream said nothing of usage (a step without a single token does not exist). */
function readUsage({ inputTokens, outputTokens }: LanguageModelV4Usage): Usage | undefined {
  if (!inputTokens.total && !outputTokens.total) return undefined;
  return {
    input_tokens: inputTokens.total ?? 0,
    cached_input_tokens: inputTokens.cacheRead ?? 0,
    output_tokens: outputTokens.total ?? 0,
    reasoning_tokens: outputTokens.reasoning ?? 0,
  };
}
