const MAX_LENGTH = 1_000;

/** An error in one bounded line, its cause included: `fetch failed` alone says nothing. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, MAX_LENGTH);
  const cause = error.cause instanceof Error ? ` (${causeText(error.cause)})` : '';
  return `${error.message}${cause}`.replaceAll(/\s+/g, ' ').slice(0, MAX_LENGTH);
}

function causeText(cause: Error & { code?: unknown }): string {
  return cause.message || String(cause.code ?? cause.name);
}
