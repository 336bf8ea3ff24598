/** Server-sent events off a response body (html.spec.whatwg.org, "9.2.6 Interpreting an event stream"). */

export type SseMessage = { event: string; data: string; id: string | undefined };

/**
 * The messages of a stream as they arrive. `onBytes` is called for whatever arrives, comments included: it is the sign of
 * life. A message cut off by the stream's end is not given out.
 */
export async function* readSse(body: AsyncIterable<Uint8Array>, onBytes: () => void): AsyncGenerator<SseMessage> {
  const decoder = new TextDecoder();
  let rest = '';
  let fields: Fields = { data: [] };
  for await (const chunk of body) {
    onBytes();
    rest += decoder.decode(chunk, { stream: true });
    // A lone \r at the end may be the first half of \r\n.
    const held = rest.endsWith('\r') ? '\r' : '';
    const lines = rest.slice(0, rest.length - held.length).split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? '') + held;
    for (const line of lines) {
      if (line !== '') {
        readField(line, fields);
        continue;
      }
      const { data, event = 'message', id } = fields;
      fields = { data: [] };
      if (data.length > 0) yield { event, id, data: data.join('\n') };
    }
  }
}

type Fields = { data: string[]; event?: string; id?: string };

function readField(line: string, fields: Fields): void {
  const colon = line.indexOf(':');
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
  if (name === 'data') fields.data.push(value);
  if (name === 'event') fields.event = value;
  if (name === 'id') fields.id = value;
}
