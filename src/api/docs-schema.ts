/** The part of JSON schema that our own documents use. */
type Schema = {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  additionalProperties?: boolean | Schema;
  description?: string;
  format?: string;
  default?: unknown;
};

/** A schema as people write types: `{ title?: string, metadata?: Metadata }`; a component by its name. */
export function schemaText(schema: Schema, indent = ''): string {
  if (schema.$ref !== undefined) return schema.$ref.replace(/.*\//, '');
  if (schema.enum) return schema.enum.map((it) => JSON.stringify(it)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const union = schema.anyOf ?? schema.oneOf;
  if (union) return union.map((it) => schemaText(it, indent)).join(' | ');
  if (schema.allOf) return schema.allOf.map((it) => schemaText(it, indent)).join(' & ');
  if (schema.properties) return objectText(schema, schema.properties, indent);
  if (schema.items) return `${schemaText(schema.items, indent)}[]`;
  if (typeof schema.additionalProperties === 'object')
    return `{ [name]: ${schemaText(schema.additionalProperties, indent)} }`;
  const type = [schema.type ?? 'any'].flat().join(' | ');
  return schema.default === undefined ? type : `${type} = ${JSON.stringify(schema.default)}`;
}

function objectText(schema: Schema, properties: Record<string, Schema>, indent: string): string {
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(([name, field]) => {
    const optional = schema.required?.includes(name) ? '' : '?';
    const comment = field.description === undefined ? '' : `  // ${field.description}`;
    return `${inner}${name}${optional}: ${schemaText(field, inner)}${comment}`;
  });
  return `{\n${lines.join('\n')}\n${indent}}`;
}
