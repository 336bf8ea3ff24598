/** The frames of an event stream, each with its bytes as text. */
import type { SeenEvent } from '../../support/events.ts';

/** A server says something every 15 s; one that does not is frozen. */
const SILENCE_MS = 20_000;

/** The server's answer to a reader was no stream. */
export class NoStream extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`events: ${status}`);
    this.status = status;
  }
}

export type Frame = { text: string; event: SeenEvent };

/** Throws `NoStream`, and what `fetch` does when the connection breaks and when nothing comes for too long. Comments are left out. */
export async function* readFrames(url: string, key: string, abort: AbortController): AsyncGenerator<Frame> {
  let silence = setTimeout(() => abort.abort(), SILENCE_MS);
  try {
    const response = await fetch(url, { headers: { authorization: `Bearer ${key}` }, signal: abort.signal });
    if (response.status !== 200 || !response.body) throw new NoStream(response.status);
    const decoder = new TextDecoder();
    let rest = '';
    for await (const bytes of response.body) {
      clearTimeout(silence);
      silence = setTimeout(() => abort.abort(), SILENCE_MS);
      rest += decoder.decode(bytes, { stream: true });
      const frames = rest.split(/(?<=\n\n)/);
      rest = frames.at(-1)?.endsWith('\n\n') ? '' : (frames.pop() ?? '');
      for (const text of frames) {
        if (text.startsWith(':')) continue;
        yield { text, event: JSON.parse(text.slice(text.indexOf('data: ') + 6)) as SeenEvent };
      }
    }
  } finally {
    clearTimeout(silence);
  }
}
