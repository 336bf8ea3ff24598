import type { LanguageModelV4 } from '@ai-sdk/provider';
import { COMPATIBLE } from './call-options.ts';
import type { RouteConfig } from './types.ts';

/** Written out, so that no environment variable of the AI SDK (`OPENAI_BASE_URL` …) moves a route elsewhere. */
const OPENAI_BASE_URL = 'https://api.openai.com/v1';
const ANTHROPIC_BASE_URL = 'https://api.anthropic.com/v1';

export type Provider = {
  baseUrl: string;
  /** The route's model, speaking through this fetch. The key stays inside. */
  connect(fetch: typeof globalThis.fetch): LanguageModelV4;
};

/** Loads the AI SDK's package for a route's provider, on first use: a server with only the demo route loads none. */
export async function loadProvider(
  config: RouteConfig & { provider: Exclude<RouteConfig['provider'], 'demo'> },
): Promise<Provider> {
  const { api_key: apiKey, model = '' } = config;
  switch (config.provider) {
    case 'openai': {
      const { createOpenAI } = await import('@ai-sdk/openai');
      const baseURL = config.base_url ?? OPENAI_BASE_URL;
      return { baseUrl: baseURL, connect: (fetch) => createOpenAI({ baseURL, apiKey, fetch }).responses(model) };
    }
    case 'anthropic': {
      const { createAnthropic } = await import('@ai-sdk/anthropic');
      const baseURL = config.base_url ?? ANTHROPIC_BASE_URL;
      return { baseUrl: baseURL, connect: (fetch) => createAnthropic({ baseURL, apiKey, fetch }).languageModel(model) };
    }
    case 'openai-compatible': {
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
      const baseURL = config.base_url ?? '';
      return {
        baseUrl: baseURL,
        connect: (fetch) =>
          createOpenAICompatible({
            name: COMPATIBLE,
            baseURL,
            apiKey,
            fetch,
            includeUsage: true,
            supportsStructuredOutputs: true,
          }).chatModel(model),
      };
    }
  }
}
