/** Request bodies: bounded in size, UTF-8, JSON, and of a shape that every later step can walk and store. */
import { HoldfastError } from '../errors.ts';
import type { BodyRoom } from './admission.ts';
import { type Issue, invalid } from './validation.ts';

export const MAX_BODY_BYTES = 1_048_576;
/** Deep enough for any JSON schema of a tool, shallow enough for a recursive walk. */
export const MAX_JSON_DEPTH = 128;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The body's JSON value; undefined when it is empty. The content type is not looked at: `curl -d` says it is a form.
 * Errors: `http.body_too_large`, `http.bad_json`, `http.unsupported_encoding`, `http.bad_request` (cut off),
 * `journal.unavailable` (no room for it), `validation.failed` (too deep, a number JSON cannot give back, NUL in a text).
 */
export async function readJson(request: Request, room: BodyRoom): Promise<unknown> {
  const bytes = await readBytes(request, room);
  if (bytes.byteLength === 0) return undefined;
  const value = parseJson(bytes);
  const issue = unstorable(value);
  if (issue !== undefined) throw invalid([issue]);
  return value;
}

async function readBytes(request: Request, room: BodyRoom): Promise<Uint8Array> {
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw new HoldfastError('http.unsupported_encoding', `Send the body without content encoding, not as ${encoding}.`);
  }
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > MAX_BODY_BYTES) throw tooLarge();
  try {
    // Node holds a sender to its content-length; only a body without one has to be counted as it comes.
    if (declared === null || request.headers.has('transfer-encoding')) return await readCounting(request.body, room);
    room.take(Number(declared));
    return new Uint8Array(await request.arrayBuffer());
  } catch (error) {
    if (!request.signal.aborted) throw error;
    throw new HoldfastError('http.bad_request', 'The connection was closed before the body was complete.', {
      cause: error,
    });
  }
}

async function readCounting(body: ReadableStream<Uint8Array> | null, room: BodyRoom): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    room.take(chunk.byteLength);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(): HoldfastError {
  return new HoldfastError('http.body_too_large', `The body is larger than ${MAX_BODY_BYTES} bytes.`, {
    details: { max_bytes: MAX_BODY_BYTES },
  });
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : 'it is not UTF-8';
    throw new HoldfastError('http.bad_json', `The body is not JSON: ${reason}.`, { cause: error });
  }
}

/**
 * The first thing in `value` that no schema would notice and that would be lost or break later: nesting beyond
 * MAX_JSON_DEPTH, 1e400 (parsed as Infinity), the key `__proto__`, and NUL, which PostgreSQL stores in no text.
 */
function unstorable(value: unknown): Issue | undefined {
  const open: { value: unknown; path: string; depth: number }[] = [{ value, path: '', depth: 0 }];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    const { value: it, path, depth } = item;
    if (typeof it === 'number' && !Number.isFinite(it)) return { path, message: 'Number out of range' };
    if (typeof it === 'string' && it.includes('\0')) return { path, message: 'A text cannot hold the character NUL' };
    if (typeof it !== 'object' || it === null) continue;
    if (depth === MAX_JSON_DEPTH) return { path: '', message: `Nested deeper than ${MAX_JSON_DEPTH} levels` };
    for (const [key, child] of Object.entries(it)) {
      const childPath = path === '' ? key : `${path}.${key}`;
      if (key === '__proto__' || key.includes('\0')) return { path: childPath, message: 'Not allowed as a name' };
      open.push({ value: child, path: childPath, depth: depth + 1 });
    }
  }
  return undefined;
}
