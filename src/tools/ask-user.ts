/** `ask_user`: the model asks its human. The answer is the tool's result. */
import type { ToolSpec } from '../models/types.ts';

export const ASK_USER = 'ask_user';

export const askUserTool: ToolSpec = {
  name: ASK_USER,
  description: 'Ask the user a question and wait for the answer. Use it when only a person can decide or know.',
  parameters: {
    type: 'object',
    properties: {
      question: { type: 'string', description: 'The question, complete in itself.' },
      options: { type: 'array', items: { type: 'string' }, description: 'Answers to choose from, if there are some.' },
    },
    required: ['question'],
    additionalProperties: false,
  },
};

/** What is wrong with the arguments of a question, as the model is told; nothing when it can be asked. */
export function readQuestion(args: unknown): { error: string } | undefined {
  const { question, options, ...rest } = (args ?? {}) as { question?: unknown; options?: unknown };
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) return { error: `ask_user takes a question and options, no ${unknown}.` };
  if (typeof question !== 'string' || question.trim() === '') {
    return { error: 'ask_user needs a question: {"question": "…"}.' };
  }
  if (options !== undefined && !isTexts(options)) {
    return { error: 'The options of ask_user are a list of texts, at least one.' };
  }
  return undefined;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((it) => typeof it === 'string');
}
