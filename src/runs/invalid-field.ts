import { HoldfastError } from '../errors.ts';

/** A field whose value does not fit, told as every validation error is: `details.issues[]` with path and message. */
export function invalidField(path: string, message: string): HoldfastError {
  return new HoldfastError('validation.failed', message, { details: { issues: [{ path, message }] } });
}
