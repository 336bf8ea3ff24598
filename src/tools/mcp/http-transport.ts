import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { STDIO_DEFAULT_MAX_BUFFER_SIZE } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js';
import { isJSONRPCRequest, type RequestId } from '@modelcontextprotocol/sdk/types.js';

/** The same bound as over stdio, where the SDK sets it for a message. */
const MAX_ANSWER_BYTES = STDIO_DEFAULT_MAX_BUFFER_SIZE;

/**
 * The SDK's streamable HTTP, spoken with the configured origin and no other. `answerEnded` is told when the body of the
 * answer to a request has ended or broken off: the SDK leaves the request waiting.
 */
export function httpTransport(
  config: { url: string; headers: Record<string, string> },
  answerEnded: (id: RequestId) => void,
): StreamableHTTPClientTransport {
  const url = new URL(config.url);
  const fetchWithinOrigin: FetchLike = async (target, init) => {
    if (new URL(target).origin !== url.origin) throw new Error(`Refused: ${new URL(target).origin} is not configured.`);
    const response = await fetch(target, init);
    const id = requestIdIn(init?.body);
    if (id === undefined || response.body === null || !response.ok) return response;
    const { status, statusText, headers } = response;
    return new Response(
      watchBody(response.body, () => answerEnded(id)),
      { status, statusText, headers },
    );
  };
  return new StreamableHTTPClientTransport(url, {
    requestInit: { headers: config.headers },
    fetch: fetchWithinOrigin,
  });
}

function requestIdIn(body: unknown): RequestId | undefined {
  if (typeof body !== 'string') return undefined;
  const message: unknown = JSON.parse(body);
  return isJSONRPCRequest(message) ? message.id : undefined;
}

/** The same bytes, at most `MAX_ANSWER_BYTES`; `onEnd` once, however they end. */
function watchBody(body: ReadableStream<Uint8Array>, onEnd: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) {
          bytes += value.byteLength;
          if (bytes > MAX_ANSWER_BYTES) throw new Error(`The server's answer is over ${MAX_ANSWER_BYTES} bytes.`);
          controller.enqueue(value);
          return;
        }
        controller.close();
      } catch (error) {
        controller.error(error);
        // Rejects for a body that broke off; what is left of one that is too large is not wanted.
        reader.cancel(error).catch(() => undefined);
      }
      onEnd();
    },
    async cancel(reason) {
      onEnd();
      await reader.cancel(reason);
    },
  });
}
