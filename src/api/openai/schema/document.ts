/**
 * OpenAI's own document (openai/openai-openapi, MIT licence) is the source of the dialect's schemas: its components are made
 * plain JSON schema here, request bodies closed against fields the document does not name.
 */
import { readFileSync } from 'node:fs';

export type JsonSchema = {
  $ref?: string;
  type?: string;
  enum?: unknown[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  nullable?: boolean;
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  maxProperties?: number;
  propertyNames?: JsonSchema;
};

type Operation = {
  responses: Record<string, { content?: { 'application/json': { schema: JsonSchema } } }>;
  requestBody?: { content: { 'application/json': { schema: JsonSchema } } };
};

export type OpenAiDocument = {
  paths: Record<string, Partial<Record<'get' | 'post' | 'delete', Operation>>>;
  components: { schemas: Record<string, JsonSchema> };
};

export function readDocument(): OpenAiDocument {
  const file = new URL('assistants.openapi.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as OpenAiDocument;
}

/** Limits that the document gives in its prose alone, by component and field. */
const IN_PROSE: Record<string, (schema: JsonSchema) => JsonSchema> = {
  Metadata: () => ({
    anyOf: [
      {
        type: 'object',
        maxProperties: 16,
        propertyNames: { type: 'string', maxLength: 64 },
        additionalProperties: { type: 'string', maxLength: 512 },
      },
      { type: 'null' },
    ],
  }),
  FunctionObject: (schema) => withField(schema, 'name', NAME),
  CreateMessageRequest: (schema) => {
    const [text = {}, ...parts] = schema.properties?.content?.oneOf ?? [];
    return withField(schema, 'content', { oneOf: [{ ...text, minLength: 1 }, ...parts] });
  },
  MessageRequestContentTextObject: (schema) => withField(schema, 'text', { type: 'string', minLength: 1 }),
};

const NAME: JsonSchema = { type: 'string', pattern: '^[A-Za-z0-9_-]+$', maxLength: 64 };

const withField = (schema: JsonSchema, name: string, field: JsonSchema): JsonSchema => ({
  ...schema,
  properties: { ...schema.properties, [name]: field },
});

/** A schema of what clients send: without references, closed, with the limits of the prose. */
export function requestSchema(document: OpenAiDocument, name: string): JsonSchema {
  return plain(document, { $ref: `#/components/schemas/${name}` }, true);
}

/** A schema of what is answered: without references; fields beyond the document's are let be. */
export function answerSchema(document: OpenAiDocument, schema: JsonSchema): JsonSchema {
  return plain(document, schema, false);
}

function plain(document: OpenAiDocument, schema: JsonSchema, ofRequest: boolean): JsonSchema {
  const { $ref, nullable, ...own } = schema;
  const read = $ref === undefined ? own : { ...component(document, $ref, ofRequest), ...own };
  if ($ref !== undefined) return orNull(plain(document, read, ofRequest), nullable);
  // `allOf: [a schema, {nullable: true}]` is how the document makes a reference nullable.
  const all = own.allOf?.filter((it) => Object.keys(it).join() !== 'nullable');
  if (own.allOf && all?.length === 1 && all[0]) {
    const { allOf, ...rest } = own;
    return orNull(plain(document, { ...all[0], ...rest }, ofRequest), allOf.length > 1 || nullable === true);
  }
  const each = (schemas: JsonSchema[]) => schemas.map((it) => plain(document, it, ofRequest));
  const { properties, additionalProperties } = own;
  const made: JsonSchema = {
    ...own,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, field]) => [name, plain(document, field, ofRequest)]),
      ),
      additionalProperties: additionalProperties ?? !ofRequest,
    }),
    ...(own.items && { items: plain(document, own.items, ofRequest) }),
    ...(own.anyOf && { anyOf: each(own.anyOf) }),
    ...(own.oneOf && { oneOf: each(own.oneOf) }),
  };
  return orNull(made, nullable);
}

function component(document: OpenAiDocument, ref: string, ofRequest: boolean): JsonSchema {
  const name = ref.replace('#/components/schemas/', '');
  const schema = document.components.schemas[name];
  if (!schema) throw new Error(`OpenAI's document has no schema ${name}`);
  return ofRequest ? (IN_PROSE[name]?.(schema) ?? schema) : schema;
}

const orNull = (schema: JsonSchema, nullable: boolean | undefined): JsonSchema =>
  nullable ? { anyOf: [schema, { type: 'null' }] } : schema;
