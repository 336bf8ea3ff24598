/** What `fetch` throws when the server is gone, before its answer or within it. */
export const isConnectionError = (error: unknown): boolean =>
  error instanceof TypeError && ['fetch failed', 'terminated'].includes(error.message);
