import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';

/** What is wrong with the arguments and where, as the model is told; nothing when they fit. */
export type ArgumentsCheck = (args: unknown) => string | undefined;

/**
 * A check of arguments against a tool's JSON schema. Each has a validator of its own: a shared one takes two schemas with
 * the same `$id` for one. Throws when the schema itself cannot be understood.
 */
export function argumentsCheck(tool: string, schema: Record<string, unknown>): ArgumentsCheck {
  const validate = new AjvJsonSchemaValidator().getValidator(schema);
  return (args) => {
    const { valid, errorMessage } = validate(args);
    if (valid) return undefined;
    const issues = errorMessage.replaceAll(/(^|, )data(?=[/ ])/g, '$1arguments');
    return `The arguments do not fit ${tool}, which was not called: ${issues}.`;
  };
}
