/** The workshop over streamable HTTP on 127.0.0.1, a session each for every client. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createWorkshop } from './workshop.ts';

export type HttpWorkshop = {
  url: string;
  port: number;
  /** The headers of every request, the newest last. */
  seen: IncomingMessage['headers'][];
  /** Breaks off every connection and stops listening. */
  stop(): Promise<void>;
};

/** `forward` redirects every request there instead of serving it. */
export async function startHttpWorkshop(
  log: string,
  options: { port?: number; forward?: string } = {},
): Promise<HttpWorkshop> {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const seen: IncomingMessage['headers'][] = [];
  const http = createServer((request, response) => {
    seen.push(request.headers);
    if (options.forward !== undefined) {
      response.writeHead(307, { location: options.forward }).end();
      return;
    }
    serve(request, response).catch((error) => response.destroy(error));
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = request.headers['mcp-session-id'];
    const transport = id === undefined ? await openSession() : sessions.get(String(id));
    if (transport) await transport.handleRequest(request, response);
    else response.writeHead(404).end('no such session');
  }

  async function openSession(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    const workshop = createWorkshop({
      log,
      die: () => http.closeAllConnections(),
      raw: (message) => void transport.send(JSON.parse(message)),
    });
    await workshop.connect(transport as Parameters<typeof workshop.connect>[0]);
    return transport;
  }

  http.listen(options.port ?? 0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    port,
    seen,
    stop: async () => {
      http.close();
      http.closeAllConnections();
      await once(http, 'close');
    },
  };
}
