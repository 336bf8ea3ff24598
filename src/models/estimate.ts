import { countPromptWords } from './demo/turn.ts';
import type { ModelRequest, PromptMessage, Route, Usage } from './types.ts';

const CHARACTERS_PER_TOKEN = 4;
/** An image, as providers count a large one (OpenAI's high detail, Anthropic's 1.15 megapixels), in characters. */
const IMAGE_CHARACTERS = 1_600 * CHARACTERS_PER_TOKEN;

/** Roughly how many tokens a text is: its characters divided by four, rounded up. */
export function estimateTokens(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

/**
 * Usage of a step whose provider said nothing of it (a stream without usage, a step cut off), marked `estimated`.
 * `outputCharacters` is what the model had said so far: text, reasoning and tool arguments.
 */
export function estimateUsage(
  request: ModelRequest,
  outputCharacters: number,
  inputTokens = estimateTokens(promptCharacters(request)),
): Usage {
  return {
    input_tokens: inputTokens,
    cached_input_tokens: 0,
    output_tokens: estimateTokens(outputCharacters),
    reasoning_tokens: 0,
    estimated: true,
  };
}

/** How many tokens a prompt is, where that can be known before the provider has counted: the demo model's tokens are words. */
export function knownInput(route: Pick<Route, 'provider'>, request: ModelRequest): number | undefined {
  return route.provider === 'demo' ? countPromptWords(request) : undefined;
}

/** Roughly how many tokens a prompt is; exactly where that can be known. */
export function estimateInput(route: Pick<Route, 'provider'>, request: ModelRequest): number {
  return knownInput(route, request) ?? estimateTokens(promptCharacters(request));
}

/** Roughly how many tokens one message of a prompt is. */
export function messageTokens(route: Pick<Route, 'provider'>, message: PromptMessage): number {
  return estimateInput(route, { system: '', messages: [message], tools: [] });
}

function promptCharacters(request: ModelRequest): number {
  let characters = request.system.length;
  for (const message of request.messages) {
    if (message.role === 'user') {
      for (const part of message.content) characters += part.type === 'text' ? part.text.length : IMAGE_CHARACTERS;
    } else if (message.role === 'assistant') {
      characters += message.content.length;
      for (const call of message.tool_calls)
        characters += call.name.length + JSON.stringify(call.arguments ?? null).length;
    } else {
      for (const result of message.results) characters += result.output.length;
    }
  }
  for (const tool of request.tools) {
    characters += tool.name.length + tool.description.length + JSON.stringify(tool.parameters).length;
  }
  return characters;
}
