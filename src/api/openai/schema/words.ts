/** What a schema's error says in OpenAI's words. */
import type { ErrorObject } from 'ajv';
import type { RefusalCode, Refused } from '../refusals.ts';
import type { JsonSchema } from './document.ts';

type Worded = Refused & { message: string };

const SAID: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  integer: 'an integer',
  boolean: 'a boolean',
  array: 'an array',
  object: 'an object',
  null: 'null',
};

export const typeNames = {
  /** A value's JSON type. */
  of(value: unknown): string {
    if (value === null) return 'null';
    if (Array.isArray(value)) return 'array';
    if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
    return typeof value;
  },
  said: (type: string | undefined): string => SAID[type ?? ''] ?? 'another value',
};

/** `path`: where the failing value is, with a leading dot; '' for the whole body. */
export function wordsFor(error: ErrorObject, path: string): Worded {
  const param = path.replace(/^\./, '');
  const below = (name: string) => (param === '' ? name : `${param}.${name}`);
  const said = (message: string, code: RefusalCode, at = param): Worded => ({
    message,
    param: at === '' ? null : at,
    code,
  });
  const { keyword, params, data } = error;
  const invalid = `Invalid '${param}'`;
  switch (keyword) {
    case 'required': {
      const name = below(params.missingProperty);
      return said(`Missing required parameter: '${name}'.`, 'missing_required_parameter', name);
    }
    case 'additionalProperties': {
      const name = below(params.additionalProperty);
      return said(`Unknown parameter: '${name}'.`, 'unknown_parameter', name);
    }
    case 'type': {
      const where = param === '' ? 'the body' : `'${param}'`;
      const got = typeNames.said(typeNames.of(data));
      return said(
        `Invalid type for ${where}: expected ${typeNames.said(params.type)}, but got ${got} instead.`,
        'invalid_type',
      );
    }
    case 'enum': {
      const allowed = (params.allowedValues as unknown[]).map((it) => `'${it}'`).join(', ');
      return said(`Invalid value: '${shortened(data)}'. Supported values are: ${allowed}.`, 'invalid_value');
    }
    case 'maxLength': {
      const got = [...String(data)].length;
      const message = `${invalid}: string too long. Expected a string with maximum length ${params.limit}, but got a string with length ${got} instead.`;
      return said(message, 'string_too_long');
    }
    case 'maxItems': {
      const got = (data as unknown[]).length;
      const message = `${invalid}: array too long. Expected an array with maximum length ${params.limit}, but got an array with length ${got} instead.`;
      return said(message, 'array_above_max_length');
    }
    case 'propertyNames': {
      const name = below(shortened(params.propertyName));
      return said(
        `${invalid}: a name is longer than ${(error.schema as JsonSchema).maxLength} characters.`,
        'string_too_long',
        name,
      );
    }
    case 'maxProperties':
      return said(`${invalid}: expected at most ${params.limit} pairs.`, 'invalid_value');
    case 'minLength':
    case 'minItems':
      return said(`${invalid}: it is empty.`, 'invalid_value');
    case 'minimum':
    case 'maximum':
      return said(
        `${invalid}: expected a number ${params.comparison} ${params.limit}, but got ${data}.`,
        'invalid_value',
      );
    case 'pattern':
      return said(
        `${invalid}: expected letters, digits, _ and - alone, but got '${shortened(data)}'.`,
        'invalid_value',
      );
    case 'format':
      return said(`${invalid}: expected an http, https or data:image address.`, 'invalid_value');
    default:
      return said(`${invalid}: ${error.message ?? 'not understood'}.`, 'invalid_value');
  }
}

const SHOWN_CHARACTERS = 80;

/** What a client sent, short enough to be shown to it. */
function shortened(value: unknown): string {
  const text = String(value);
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}
