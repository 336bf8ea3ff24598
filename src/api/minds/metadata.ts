/**
 * Metadata is an object or an array here, and pairs of texts in the core. An array is kept as its places and what stands there, a
 * text as it is where it could not be mistaken for JSON.
 */

/** What a body gives as metadata, as an object; what is none is for the schema to refuse. */
export function readMetadata(given: unknown): unknown {
  if (!Array.isArray(given)) return given;
  return Object.fromEntries(
    given.map((item, i) => [i, typeof item === 'string' && !isJson(item) ? item : asJson(item)]),
  );
}

/** Null for none. An object whose names are 0, 1, 2 … is shown as the array that it would have been made of. */
export function shownMetadata(metadata: Record<string, string>): Record<string, string> | unknown[] | null {
  const entries = Object.entries(metadata);
  if (entries.length === 0) return null;
  if (entries.some(([name], i) => name !== String(i))) return metadata;
  return entries.map(([, text]) => (isJson(text) ? JSON.parse(text) : text));
}

const asJson = (item: unknown) => JSON.stringify(item);

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
