import { HoldfastError } from '../errors.ts';

/** A field whose value does not fit, told as every validation error is: `details.issues[]` with path and message. */
export function invalidField(path: string, message: string): HoldfastError {
  return new HoldfastError('validation.failed', message, { details: { issues: [{ path, message }] } });
}

/** Of a page: `field` names the cursor that the list does not know. */
export function unknownCursor(field: string, cursor: string): HoldfastError {
  return invalidField(field, `Unknown cursor ${cursor}.`);
}
