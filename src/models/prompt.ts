import type { LanguageModelV4FilePart, LanguageModelV4Message, LanguageModelV4Prompt } from '@ai-sdk/provider';
import { isRecord } from './model-error.ts';
import type { ToolNames } from './tool-names.ts';
import { type ContentPart, ModelError, type ModelRequest, type PromptMessage, type ProviderName } from './types.ts';

/** Shown to the model after an answer of its own that was cut off. */
const CUT_OFF_MARKER = ' [cut off]';
/** What a provider that insists on a user message gets when there is none: the run consists of its instructions. */
const OPENING_MESSAGE = 'Begin.';
const CONTINUE_MESSAGE = 'Continue.';
const NO_RESULT = 'This call was cancelled before it had a result.';
const JSON_ONLY = 'Answer with a single JSON object and nothing else.';

type AssistantMessage = Extract<PromptMessage, { role: 'assistant' }>;
type ToolResult = Extract<PromptMessage, { role: 'tool' }>['results'][number];

/**
 * The request's messages as a prompt that all three providers accept: every tool call is followed at once by its result
 * (a missing one is said to be cancelled; a result whose call is no longer in the prompt is left out), an incomplete
 * answer is marked, empty text is not sent. Anthropic wants the first and the last message from the user; a request with neither
 * instructions nor messages gets one opening message at every provider.
 */
export function toPrompt(request: ModelRequest, provider: ProviderName, names: ToolNames): LanguageModelV4Prompt {
  const results = new Map<string, ToolResult>();
  for (const message of request.messages) {
    if (message.role === 'tool') for (const result of message.results) results.set(result.call_id, result);
  }
  const messages: LanguageModelV4Message[] = [];
  for (const message of request.messages) {
    if (message.role === 'user') {
      const content = message.content.filter((part) => part.type !== 'text' || part.text !== '').map(userPart);
      if (content.length > 0) messages.push({ role: 'user', content });
    } else if (message.role === 'assistant') {
      messages.push(...assistantMessages(message, results, names));
    }
  }
  const system = systemText(request, provider);
  const needsUser = provider === 'anthropic' || system === '';
  if (messages.length === 0 && needsUser) messages.push(userText(OPENING_MESSAGE));
  if (provider === 'anthropic') {
    if (messages[0]?.role === 'assistant') messages.unshift(userText(OPENING_MESSAGE));
    if (messages.at(-1)?.role === 'assistant') messages.push(userText(CONTINUE_MESSAGE));
  }
  return system === '' ? messages : [{ role: 'system', content: system }, ...messages];
}

/** Anthropic has no JSON mode without a schema, so it is asked in words. */
function systemText(request: ModelRequest, provider: ProviderName): string {
  if (provider !== 'anthropic' || request.response_format?.type !== 'json_object') return request.system;
  return [request.system, JSON_ONLY].filter((text) => text !== '').join('\n\n');
}

function userText(text: string): LanguageModelV4Message {
  return { role: 'user', content: [{ type: 'text', text }] };
}

function assistantMessages(
  message: AssistantMessage,
  results: Map<string, ToolResult>,
  names: ToolNames,
): LanguageModelV4Message[] {
  const text = message.incomplete ? `${message.content}${CUT_OFF_MARKER}`.trimStart() : message.content;
  const calls = message.tool_calls;
  if (text.trim() === '' && calls.length === 0) return [];
  const assistant: LanguageModelV4Message = {
    role: 'assistant',
    content: [
      ...(text.trim() === '' ? [] : [{ type: 'text' as const, text }]),
      ...calls.map((call) => ({
        type: 'tool-call' as const,
        toolCallId: call.call_id,
        toolName: names.toWire(call.name),
        input: isRecord(call.arguments) ? call.arguments : { arguments: call.arguments },
      })),
    ],
  };
  if (calls.length === 0) return [assistant];
  const tool: LanguageModelV4Message = {
    role: 'tool',
    content: calls.map((call) => {
      const result = results.get(call.call_id);
      return {
        type: 'tool-result' as const,
        toolCallId: call.call_id,
        toolName: names.toWire(call.name),
        output: {
          type: !result || result.is_error ? ('error-text' as const) : ('text' as const),
          value: result?.output ?? NO_RESULT,
        },
      };
    }),
  };
  return [assistant, tool];
}

function userPart(part: ContentPart): { type: 'text'; text: string } | LanguageModelV4FilePart {
  return part.type === 'text' ? part : imagePart(part.image_url);
}

/** An image goes as it is, by its address or its data: nothing here fetches it. Throws bad_request for any other scheme. */
function imagePart({ url, detail }: { url: string; detail?: string }): LanguageModelV4FilePart {
  const providerOptions = {
    ...(detail && { openai: { imageDetail: detail } }),
    // Merged over the part by the SDK: `detail` belongs inside `image_url`, where it has no option for it.
    openaiCompatible: { image_url: { url, ...(detail && { detail }) } },
  };
  const data = /^data:([\w.+-]+\/[\w.+-]+);base64,/i.exec(url);
  if (data) {
    const mediaType = data[1] as string;
    return { type: 'file', mediaType, data: { type: 'data', data: url.slice(data[0].length) }, providerOptions };
  }
  const address = URL.parse(url);
  if (address === null || !/^https?:$/.test(address.protocol)) {
    throw new ModelError(
      'provider.bad_request',
      `An image must be an http(s) address or a base64 data: URL, not "${url.slice(0, 80)}".`,
      { retryable: false },
    );
  }
  return { type: 'file', mediaType: 'image/*', data: { type: 'url', url: address }, providerOptions };
}
