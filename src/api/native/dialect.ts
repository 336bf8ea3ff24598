import type { Dialect } from '../errors.ts';

/** Errors as the native contract writes them: `{code, message, trace_id, details}`. */
export const nativeDialect: Dialect = {
  base: '/v1',
  renderError: ({ code, message, traceId, details }) => ({ code, message, trace_id: traceId, details: details ?? {} }),
};
