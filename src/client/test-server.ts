/** A server that speaks the native API's wire on 127.0.0.1, as far as a test says. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { HoldfastClient } from './holdfast-client.ts';

export type TestRequest = { method: string; path: string; headers: IncomingMessage['headers']; body: unknown };
export type Handler = (request: TestRequest, response: ServerResponse) => unknown;

/** Serves `handler` until the test ends; `requests` are those that came, in order. */
export async function testServer(handler: Handler) {
  const requests: TestRequest[] = [];
  const server = createServer(async (incoming, response) => {
    let text = '';
    for await (const chunk of incoming) text += chunk;
    const { method = '', url = '', headers } = incoming;
    const request = { method, path: url, headers, body: text === '' ? undefined : JSON.parse(text) };
    requests.push(request);
    await handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { baseUrl, requests, client: new HoldfastClient({ baseUrl, apiKey: 'test-key-0123456789' }) };
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** An event stream in progress; `end` it, or `destroy` it for a cut connection. */
export function stream(response: ServerResponse): ServerResponse {
  return response.writeHead(200, { 'content-type': 'text/event-stream' });
}

export function frame(seq: number, type: string, data: object = {}): string {
  const event = { seq, type, data, created_at: '2026-11-22T10:00:00.123Z' };
  return `id: ${seq}\nevent: ${type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** The `after_seq` that the request asks for. */
export function afterSeq(request: TestRequest): number {
  return Number(new URL(request.path, 'http://x').searchParams.get('after_seq'));
}
