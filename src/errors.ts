/**
 * The one error class of Holdfast. `code` is the contract's dotted code (`runs.not_waiting`), stable for clients;
 * `message` says what is wrong and where, in words a user can act on; `details` is machine-readable extra.
 * Each API dialect turns it into a response in one place; nothing else maps errors to statuses.
 */
export class HoldfastError extends Error {
  readonly code: string;
  readonly details: Record<string, unknown> | undefined;
  /** Seconds after which trying again may help; sent as `Retry-After`. */
  readonly retryAfterS: number | undefined;

  constructor(
    code: string,
    message: string,
    options: { details?: Record<string, unknown>; retryAfterS?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HoldfastError';
    this.code = code;
    this.details = options.details;
    this.retryAfterS = options.retryAfterS;
  }
}

/** Whether `error` is a HoldfastError, with that code when one is given. */
export function isHoldfastError(error: unknown, code?: string): error is HoldfastError {
  return error instanceof HoldfastError && (code === undefined || error.code === code);
}
