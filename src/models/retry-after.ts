const MS_PER_SECOND = 1_000;

/**
 * How long the provider asks us to wait, in milliseconds: `retry-after-ms`, else `Retry-After` as seconds or as an
 * HTTP date (RFC 9110 section 10.2.3); undefined when neither can be read. Never negative.
 */
export function readRetryAfter(headers: Headers, now: number = Date.now()): number | undefined {
  const milliseconds = number(headers.get('retry-after-ms'));
  if (milliseconds !== undefined) return milliseconds;
  const text = headers.get('retry-after');
  if (text === null) return undefined;
  const seconds = number(text);
  if (seconds !== undefined) return seconds * MS_PER_SECOND;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function number(text: string | null): number | undefined {
  return text !== null && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}
