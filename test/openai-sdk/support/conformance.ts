/** Whether recorded answers and events are what OpenAI's document says they are. */
import type { ValidateFunction } from 'ajv';
import { answerSchema, type JsonSchema, readDocument } from '../../../src/api/openai/schema/document.ts';
import { createAjv } from '../../../src/api/openai/schema/validate.ts';
import type { Recorded } from './recording-proxy.ts';

const EVENTS = ['ThreadStreamEvent', 'RunStreamEvent', 'RunStepStreamEvent', 'MessageStreamEvent'];

/** Gives what disagrees with the document in one recorded answer; nothing for one that is not in it (`/models`). */
export function createConformance(): (recorded: Recorded) => string[] {
  const document = readDocument();
  const ajv = createAjv();
  const compile = (schema: JsonSchema) => ajv.compile(answerSchema(document, schema));
  const refused = compile({ $ref: '#/components/schemas/ErrorResponse' });

  const answers = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) => {
      const schema = operation?.responses['200']?.content?.['application/json'].schema;
      const pattern = new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
      // The document has `/threads/runs` beside `/threads/{thread_id}`: what is written out comes first.
      return schema
        ? [{ method: method.toUpperCase(), pattern, literal: !path.endsWith('}'), validate: compile(schema) }]
        : [];
    }),
  );
  answers.sort((a, b) => Number(b.literal) - Number(a.literal));

  const events = new Map<string, ValidateFunction>();
  for (const name of EVENTS) {
    for (const { properties } of document.components.schemas[name]?.oneOf ?? []) {
      events.set(String(properties?.event?.enum?.[0]), compile(properties?.data ?? {}));
    }
  }

  const problems = (what: string, validate: ValidateFunction | undefined, value: unknown): string[] => {
    if (!validate) return [`${what}: the document has none`];
    return validate(value) ? [] : [`${what}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`];
  };

  return ({ method, path, status, headers, text }) => {
    const what = `${method} ${path} ${status}`;
    if (path === '/models' || text === '') return [];
    if (status >= 400) return problems(what, refused, JSON.parse(text));
    if (!String(headers['content-type']).startsWith('text/event-stream')) {
      const answer = answers.find((it) => it.method === method && it.pattern.test(path));
      return problems(what, answer?.validate, JSON.parse(text));
    }
    return [...text.matchAll(/^event: (.+)\ndata: (.+)\n\n/gm)].flatMap(([, event = '', data = '']) =>
      event === 'done' ? [] : problems(`${what} ${event}`, events.get(event), JSON.parse(data)),
    );
  };
}
