/** The one line that a failed command leaves on standard error. */
import { isHoldfastError } from '../errors.ts';
import { withoutControls } from './terminal.ts';

/** What went wrong, with the error's code and the server's trace id where there are any. Without a line break. */
export function failureLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const marks = isHoldfastError(error) ? [error.code, traceOf(error.details)].filter(Boolean).join(', ') : '';
  return withoutControls(`holdfast: ${message}${marks && ` (${marks})`}`.replace(/\s*\n\s*/g, ' '));
}

function traceOf(details: Record<string, unknown> | undefined): string | undefined {
  return typeof details?.trace_id === 'string' ? `trace ${details.trace_id}` : undefined;
}
