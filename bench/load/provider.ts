/** A model provider on the chat-completions wire whose every chunk says when it was written. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What the last user message asks for: `<chunks> <everyMs> <together>`. */
const ORDER = /(\d+) (\d+) (\d+)$/;

/** This process's clock in milliseconds since 1970, finer than Date.now(). */
export const now = (): number => performance.timeOrigin + performance.now();

/** Streams that have been asked for and wait for the others that they are to begin with. */
let waiting: ((at: number) => void)[] = [];

export async function startProvider(): Promise<{ url: string }> {
  const server = createServer((incoming, response) => void answer(incoming, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
}

/** Streams begin when `together` of them are there, spread over one interval, so that they do not tick at once. */
async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { messages } = JSON.parse(await text(incoming)) as { messages: { content: string }[] };
  const [chunks = 0, everyMs = 0, together = 1] = (ORDER.exec(messages.at(-1)?.content ?? '') ?? [])
    .slice(1)
    .map(Number);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  say(response, { role: 'assistant', content: '' });
  const index = waiting.push((at) => stream(response, chunks, everyMs, at + (index * everyMs) / together));
  if (index < together) return;
  const at = performance.now();
  for (const begin of waiting) begin(at);
  waiting = [];
}

/** Each chunk has its time, counted from when the stream `began`: one that is late does not delay those after it, and streams stay spread. */
function stream(response: ServerResponse, chunks: number, everyMs: number, began: number): void {
  let said = 0;
  const wait = () => setTimeout(next, Math.max(0, began + (said + 1) * everyMs - performance.now()));
  const next = () => {
    if (said < chunks) {
      say(response, { content: `${now()} ` });
      said++;
      timer = wait();
      return;
    }
    say(response, {}, 'stop');
    response.end('data: [DONE]\n\n');
  };
  let timer = wait();
  response.once('close', () => clearTimeout(timer));
}

function say(response: ServerResponse, delta: object, finish: string | null = null): void {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'bench', choices };
  response.write(`data: ${JSON.stringify(chunk)}\n\n`);
}
