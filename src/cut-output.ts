/** What a tool may say to the model, in bytes of UTF-8, its marker included. */
export const MAX_OUTPUT_BYTES = 256 * 1024;

const MARKER_ROOM_BYTES = 100;

/**
 * `text` as it is, or its beginning and a marker that says so, together at most `MAX_OUTPUT_BYTES`; never cut inside a
 * character. `moreFollowed`: the text is itself only the beginning of what there was.
 */
export function cutOutput(text: string, options: { moreFollowed?: boolean } = {}): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= MAX_OUTPUT_BYTES && !options.moreFollowed) return text;
  const kept = wholeCharacters(bytes, MAX_OUTPUT_BYTES - MARKER_ROOM_BYTES);
  const total = options.moreFollowed ? `more than ${bytes.length}` : String(bytes.length);
  return `${kept.toString('utf8')}\n[output cut: the first ${kept.length} of ${total} bytes]`;
}

function wholeCharacters(bytes: Buffer, limit: number): Buffer {
  let end = Math.min(bytes.length, limit);
  while (end > 0 && end < bytes.length && isContinuation(bytes[end])) end -= 1;
  return bytes.subarray(0, end);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
