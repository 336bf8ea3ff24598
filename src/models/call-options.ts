import type { JSONSchema7, LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { toPrompt } from './prompt.ts';
import type { ToolNames } from './tool-names.ts';
import type { ModelRequest, ProviderName, ToolChoice } from './types.ts';

/** The name under which the AI SDK reads options of an openai-compatible route. */
export const COMPATIBLE = 'compatible';

/** Anthropic's levels of effort; what is not among them is rounded. */
const ANTHROPIC_EFFORTS = new Set(['low', 'medium', 'high', 'xhigh', 'max']);

type ProviderOptions = NonNullable<LanguageModelV4CallOptions['providerOptions']>;

/** A request in the AI SDK's terms, for one provider. Fields that were not asked for are not sent. */
export function toCallOptions(
  request: ModelRequest,
  provider: ProviderName,
  names: ToolNames,
  abortSignal: AbortSignal,
): LanguageModelV4CallOptions {
  const hasTools = request.tools.length > 0;
  return {
    prompt: toPrompt(request, provider, names),
    maxOutputTokens: request.max_output_tokens,
    temperature: request.temperature,
    topP: request.top_p,
    responseFormat: responseFormat(request),
    tools: hasTools
      ? request.tools.map((tool) => ({
          type: 'function' as const,
          name: names.toWire(tool.name),
          description: tool.description,
          inputSchema: tool.parameters as JSONSchema7,
          ...(tool.strict !== undefined && { strict: tool.strict }),
        }))
      : undefined,
    toolChoice: hasTools && request.tool_choice ? toolChoice(request.tool_choice, names) : undefined,
    providerOptions: providerOptions(request, provider),
    abortSignal,
  };
}

function responseFormat({ response_format: format }: ModelRequest): LanguageModelV4CallOptions['responseFormat'] {
  if (format?.type === 'json_object') return { type: 'json' };
  if (format?.type === 'json_schema') {
    const { name, description, schema } = format;
    return { type: 'json', name, schema: schema as JSONSchema7, ...(description !== undefined && { description }) };
  }
  return undefined;
}

function toolChoice(choice: ToolChoice, names: ToolNames): LanguageModelV4CallOptions['toolChoice'] {
  return typeof choice === 'string' ? { type: choice } : { type: 'tool', toolName: names.toWire(choice.name) };
}

function providerOptions(request: ModelRequest, provider: ProviderName): ProviderOptions {
  const { parallel_tool_calls: parallel, reasoning_effort: effort, response_format: format } = request;
  const strictJsonSchema = format?.type === 'json_schema' ? (format.strict ?? false) : undefined;
  const hasTools = request.tools.length > 0;
  switch (provider) {
    case 'openai':
      return {
        openai: {
          store: false,
          // Summaries are refused to organisations OpenAI has not verified, so they are not asked for.
          reasoningSummary: null,
          ...(hasTools && parallel !== undefined && { parallelToolCalls: parallel }),
          ...(strictJsonSchema !== undefined && { strictJsonSchema }),
          // The SDK drops the effort for models it does not know; the provider shall judge that.
          ...(effort !== undefined && { reasoningEffort: effort, forceReasoning: true }),
        },
      };
    case 'anthropic':
      return {
        anthropic: {
          // Whole, checked arguments; nobody here reads them as they are typed.
          toolStreaming: false,
          ...(hasTools && parallel !== undefined && { disableParallelToolUse: !parallel }),
          // Effort without `thinking`: thinking blocks would have to be sent back with every tool result.
          ...(effort !== undefined && { effort: anthropicEffort(effort) }),
        },
      };
    case 'openai-compatible':
      return {
        [COMPATIBLE]: {
          ...(hasTools && parallel !== undefined && { parallel_tool_calls: parallel }),
          ...(strictJsonSchema !== undefined && { strictJsonSchema }),
          ...(effort !== undefined && { reasoningEffort: effort }),
        },
      };
    case 'demo':
      return {};
  }
}

function anthropicEffort(effort: string): string {
  return effort === 'none' || effort === 'minimal' ? 'low' : ANTHROPIC_EFFORTS.has(effort) ? effort : 'medium';
}
