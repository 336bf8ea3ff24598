/** Validation of request bodies by the document's own schemas, and what is wrong with one in OpenAI's words. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { type Refused, refusal } from '../refusals.ts';
import type { Bodies } from './bodies.ts';
import { type JsonSchema, type OpenAiDocument, readDocument, requestSchema } from './document.ts';
import { typeNames, wordsFor } from './words.ts';

const IMAGE_ADDRESS = /^(https?:\/\/|data:image\/)/;

/** `uri` is only said of images: an address for the provider, or the data itself. */
export function createAjv(): Ajv {
  return new Ajv({
    strict: false,
    verbose: true,
    formats: { uri: (text) => IMAGE_ADDRESS.test(text), unixtime: true },
  });
}

export type BodyReader = <Name extends keyof Bodies>(name: Name, body: unknown) => Bodies[Name];

let shared: BodyReader | undefined;

/** Reads bodies, for all dialects alike; a schema is compiled at its first use. Errors: refused with the field's path as `param`. */
export function bodyReader(): BodyReader {
  shared ??= createBodyReader(readDocument());
  return shared;
}

function createBodyReader(document: OpenAiDocument): BodyReader {
  const ajv = createAjv();
  const schemas = new Map<string, JsonSchema>();
  const check = (schema: JsonSchema): ValidateFunction => ajv.compile(schema);
  return <Name extends keyof Bodies>(name: Name, body: unknown) => {
    const schema = schemas.get(name) ?? requestSchema(document, name);
    schemas.set(name, schema);
    const refused = explain(check, schema, body, '');
    if (refused) throw refusal(refused.message, refused);
    return body as Bodies[Name];
  };
}

/** The first thing that is wrong with `value`; of a union, with the form that was meant. */
function explain(
  check: (schema: JsonSchema) => ValidateFunction,
  schema: JsonSchema,
  value: unknown,
  path: string,
): (Refused & { message: string }) | undefined {
  const validate = check(schema);
  if (validate(value)) return undefined;
  // Without `allErrors` the outermost failure is the last one said.
  const error = validate.errors?.at(-1) as ErrorObject;
  const at = path + pathOf(error.instancePath);
  if (error.keyword !== 'anyOf' && error.keyword !== 'oneOf') return wordsFor(error, at);
  const forms = formsOf(error.schema as JsonSchema[]);
  const meant = formOf(forms, error.data);
  if (meant) return explain(check, meant, error.data, at) ?? wordsFor(error, at);
  return unknownForm(forms, error.data, at.replace(/^\./, ''));
}

/** The forms of a union and of the unions it consists of; that it may be null is not one that could be meant. */
const formsOf = (forms: JsonSchema[]): JsonSchema[] =>
  forms.flatMap((form) => {
    if (form.type === 'null') return [];
    const inner = form.type === undefined ? (form.anyOf ?? form.oneOf) : undefined;
    return inner ? formsOf(inner) : [form];
  });

/** The form of a union that a value is meant to be: by its `type`, else by what JSON it is. */
function formOf(forms: JsonSchema[], value: unknown): JsonSchema | undefined {
  const tag = isObject(value) ? value.type : undefined;
  const tagged = forms.filter((form) => tag !== undefined && form.properties?.type?.enum?.includes(tag));
  const type = typeNames.of(value);
  const alike = forms.filter((form) => form.type === type || (form.type === 'number' && type === 'integer'));
  return tagged.length === 1 ? tagged[0] : alike.length === 1 ? alike[0] : undefined;
}

function unknownForm(forms: JsonSchema[], value: unknown, path: string): Refused & { message: string } {
  const tags = forms.flatMap((form) => form.properties?.type?.enum ?? []);
  if (!isObject(value) || tags.length === 0) {
    const expected = [...new Set(forms.map((form) => typeNames.said(form.type)))].join(' or ');
    const message = `Invalid type for '${path}': expected ${expected}, but got ${typeNames.said(typeNames.of(value))} instead.`;
    return { message, param: path, code: 'invalid_type' };
  }
  const param = path === '' ? 'type' : `${path}.type`;
  if (value.type === undefined) {
    return { message: `Missing required parameter: '${param}'.`, param, code: 'missing_required_parameter' };
  }
  const known = tags.map((tag) => `'${tag}'`).join(', ');
  const message = `Invalid value: '${String(value.type)}'. Supported values are: ${known}.`;
  return { message, param, code: 'invalid_value' };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `/tools/0/function` as OpenAI writes it: `tools[0].function`. */
function pathOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join('');
}
