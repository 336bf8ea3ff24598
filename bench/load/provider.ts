/** A model provider on the chat-completions wire whose every chunk says when it was written. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What the last user message asks for: `<chunks> <everyMs>`. */
const ORDER = /(\d+) (\d+)$/;

/** This process's clock in milliseconds since 1970, finer than Date.now(). */
export const now = (): number => performance.timeOrigin + performance.now();

export async function startProvider(): Promise<{ url: string }> {
  const server = createServer((incoming, response) => void answer(incoming, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
}

async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { messages } = JSON.parse(await text(incoming)) as { messages: { content: string }[] };
  const [, chunks, everyMs] = ORDER.exec(messages.at(-1)?.content ?? '') ?? [];
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const say = (delta: object, finish: string | null = null) =>
    response.write(
      `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'bench', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`,
    );
  say({ role: 'assistant', content: '' });
  let left = Number(chunks);
  const timer = setInterval(() => {
    if (left-- > 0) return say({ content: `${now()} ` });
    clearInterval(timer);
    say({}, 'stop');
    response.end('data: [DONE]\n\n');
  }, Number(everyMs));
  response.once('close', () => clearInterval(timer));
}
