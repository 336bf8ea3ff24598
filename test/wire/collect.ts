import type { ContentPart, ModelPart, ModelRequest, RouteConfig } from '../../src/models/types.ts';
import type { Wire } from './reply.ts';

/** All three wires, for `describe.each`. */
export const WIRES: Wire[] = ['openai', 'openai-compatible', 'anthropic'];

/** The key of test routes; a test may look for it where it must not be. */
export const TEST_KEY = 'sk-holdfast-test-key-0123456789';

/** A route to a wire server, named like its provider. */
export function wireRoute(provider: Wire, baseUrl: string, more: Partial<RouteConfig> = {}): RouteConfig {
  const model = provider === 'anthropic' ? 'claude-sonnet-4-5' : 'gpt-4.1-mini';
  return { id: provider, provider, model, api_key: TEST_KEY, base_url: baseUrl, ...more };
}

/** A request with one user message. */
export function say(content: string | ContentPart[], more: Partial<ModelRequest> = {}): ModelRequest {
  const parts: ContentPart[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  return { system: '', messages: [{ role: 'user', content: parts }], tools: [], ...more };
}

export type Collected = {
  text: string;
  reasoning: string;
  calls: Extract<ModelPart, { type: 'tool_call' }>[];
  finish: Extract<ModelPart, { type: 'finish' }> | undefined;
  parts: ModelPart[];
  /** What the stream threw, if it threw. */
  error: unknown;
};

/** Reads a step to its end or its error. */
export async function collect(stream: AsyncIterable<ModelPart>): Promise<Collected> {
  const parts: ModelPart[] = [];
  let error: unknown;
  try {
    for await (const part of stream) parts.push(part);
  } catch (thrown) {
    error = thrown;
  }
  const textOf = (type: 'text' | 'reasoning') => parts.map((it) => (it.type === type ? it.text : '')).join('');
  return {
    text: textOf('text'),
    reasoning: textOf('reasoning'),
    calls: parts.filter((it) => it.type === 'tool_call'),
    finish: parts.find((it) => it.type === 'finish'),
    parts,
    error,
  };
}
