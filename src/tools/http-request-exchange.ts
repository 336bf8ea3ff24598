/** One HTTP exchange of `http_request`, its redirects included. */
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { MAX_OUTPUT_BYTES } from '../cut-output.ts';
import { type AllowedHosts, RefusedTarget } from './http-request-hosts.ts';

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Of the caller's headers only these go along to another origin: any other may be a key. */
const HARMLESS_HEADERS = new Set(['accept', 'accept-language', 'content-type', 'user-agent']);

export type HttpRequest = { method: string; url: URL; headers: Record<string, string>; body?: string | undefined };

export type HttpAnswer = {
  status: number;
  contentType: string | undefined;
  contentEncoding: string | undefined;
  /** At most `MAX_OUTPUT_BYTES`; `more` when there was more. */
  body: Buffer;
  more: boolean;
};

/** Errors: `RefusedTarget`; the connection's errors; the signal's reason when aborted. */
export async function exchange(request: HttpRequest, hosts: AllowedHosts, signal: AbortSignal): Promise<HttpAnswer> {
  let next = request;
  for (let redirects = 0; ; redirects++) {
    hosts.check(next.url);
    const response = await send(next, hosts, signal);
    const location = REDIRECTS.has(response.statusCode ?? 0) ? response.headers.location : undefined;
    if (location === undefined) return await readAnswer(response, signal);
    response.destroy();
    if (redirects === MAX_REDIRECTS) throw new RefusedTarget(`There are more than ${MAX_REDIRECTS} redirects.`);
    if (!URL.canParse(location, next.url)) throw new RefusedTarget('The answer redirects to what is no address.');
    next = redirected(next, new URL(location, next.url), response.statusCode ?? 0);
  }
}

function send(request: HttpRequest, hosts: AllowedHosts, signal: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const open = request.url.protocol === 'https:' ? requestHttps : requestHttp;
  const outgoing = open(
    request.url,
    {
      method: request.method,
      headers: { accept: '*/*', ...request.headers, 'accept-encoding': 'identity' },
      lookup: hosts.lookupFor(request.url),
      agent: false, // a connection of its own: a kept one was checked for another request
      signal,
    },
    resolve,
  );
  outgoing.on('error', reject);
  outgoing.end(request.body);
  return promise;
}

async function readAnswer(response: IncomingMessage, signal: AbortSignal): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_OUTPUT_BYTES) break; // leaving the loop closes the connection
  }
  signal.throwIfAborted();
  return {
    status: response.statusCode ?? 0,
    contentType: response.headers['content-type'],
    contentEncoding: response.headers['content-encoding'],
    body: Buffer.concat(chunks).subarray(0, MAX_OUTPUT_BYTES),
    more: bytes > MAX_OUTPUT_BYTES,
  };
}

/** As fetch does it: 303 becomes a GET, and so does a POST that is answered with 301 or 302. */
function redirected(request: HttpRequest, url: URL, status: number): HttpRequest {
  const becomesGet =
    (status === 303 && request.method !== 'HEAD') || ((status === 301 || status === 302) && request.method === 'POST');
  const kept = Object.entries(request.headers).filter(
    ([name]) =>
      (url.origin === request.url.origin || HARMLESS_HEADERS.has(name)) && !(becomesGet && name === 'content-type'),
  );
  const headers = Object.fromEntries(kept);
  return becomesGet ? { method: 'GET', url, headers } : { ...request, url, headers };
}
