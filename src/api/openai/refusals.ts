/** Errors in OpenAI's words. They travel as HoldfastErrors, and the dialect's renderer writes them. */
import { HoldfastError, isHoldfastError } from '../../errors.ts';

export type RefusalCode =
  | 'missing_required_parameter'
  | 'unknown_parameter'
  | 'invalid_type'
  | 'invalid_value'
  | 'string_too_long'
  | 'array_above_max_length'
  | 'model_not_found';

/** `param` is the field's path, as `tools[0].function.name`. */
export type Refused = { param: string | null; code: RefusalCode | null };

export const REFUSED = 'openai.refused';
export const NOT_FOUND = 'openai.not_found';

/** A 400. */
export function refusal(message: string, { param, code }: Refused = { param: null, code: null }): HoldfastError {
  return new HoldfastError(REFUSED, message, { details: { param, code } });
}

/** A 404, as `No thread found with id 'thread_…'.` */
export function notFound(kind: 'assistant' | 'thread' | 'message' | 'run' | 'run step', id: string): HoldfastError {
  return new HoldfastError(NOT_FOUND, `No ${kind} found with id '${id}'.`);
}

/** A 400 for a value that cannot be meant. */
export const invalidValue = (param: string, message: string): HoldfastError =>
  refusal(message, { param, code: 'invalid_value' });

/** What cannot be done while a run is active, with OpenAI's words for that. */
export async function whileIdle<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isHoldfastError(error, 'threads.busy')) throw error;
    throw refusal(`Can't ${what} while a run ${error.details?.active_run_id} is active.`);
  }
}
