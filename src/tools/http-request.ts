/** `http_request`: the model asks a web server. Offered only where hosts are listed, and reaches no other. */
import { lookup } from 'node:dns';
import { cutOutput } from '../cut-output.ts';
import { argumentsCheck } from './check-arguments.ts';
import { exchange, type HttpAnswer, type HttpRequest } from './http-request-exchange.ts';
import { AllowedHosts, type Resolve } from './http-request-hosts.ts';
import { callTimeoutMs, inSeconds, type Tool, ToolCancelled, type ToolContext, type ToolOutcome } from './tool.ts';

export const HTTP_REQUEST = 'http_request';

const DEFAULT_TIMEOUT_S = 30;
const SAFE_METHODS = ['GET', 'HEAD'];
/** Headers that belong to the connection, or that decide where the request goes or how its answer is read. */
const REFUSED_HEADERS =
  /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|host|content-length|expect|accept-encoding|http2-settings)$/;
const BROKEN_OFF = new Set(['ECONNRESET', 'EPIPE']);
const TEXT = /^(text\/|application\/([\w.+-]*\+)?(json|xml|yaml|x-www-form-urlencoded|javascript|graphql)\b|$)/;

const parameters = {
  type: 'object',
  properties: {
    url: { type: 'string', description: 'The http or https address, complete.' },
    method: {
      type: 'string',
      enum: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      description: 'GET when absent.',
    },
    headers: { type: 'object', additionalProperties: { type: 'string' } },
    body: { type: 'string', description: 'The body as text; set its content-type in headers.' },
  },
  required: ['url'],
  additionalProperties: false,
};

export type HttpRequestOptions = {
  timeoutS?: number | undefined;
  /** What the configuration says of every request, whatever its method. */
  sideEffects?: boolean | undefined;
  resolve?: Resolve;
};

type Arguments = { url: string; method?: string; headers?: Record<string, string>; body?: string };

/**
 * The tool for these hosts (`name`, `name:port` or an IP address; a private address must itself be listed, `localhost`
 * stands for loopback); undefined when there are none. A GET or HEAD may be repeated and needs no approval by hint, unless the
 * configuration says otherwise.
 */
export function httpRequestTool(
  hosts: string[],
  { timeoutS = DEFAULT_TIMEOUT_S, sideEffects, resolve = lookup }: HttpRequestOptions = {},
): Tool | undefined {
  if (hosts.length === 0) return undefined;
  const allowed = new AllowedHosts(hosts, resolve);
  const check = argumentsCheck(HTTP_REQUEST, parameters);
  return {
    name: HTTP_REQUEST,
    kind: 'http_request',
    description: `Send an HTTP request and read the answer. Allowed hosts: ${hosts.join(', ')}.`,
    parameters,
    may_repeat: false,
    needs_approval_hint: true,
    timeout_s: timeoutS,
    policyFor: (args) => {
      const isRead = check(args) === undefined && SAFE_METHODS.includes((args as Arguments).method ?? 'GET');
      const isSafe = sideEffects === undefined ? isRead : !sideEffects;
      return { may_repeat: isSafe, needs_approval_hint: !isSafe };
    },
    execute: async (args, context) => {
      const request = check(args) ?? readRequest(args as Arguments);
      if (typeof request === 'string') return { status: 'error', output: request };
      return await run(request, allowed, callTimeoutMs(timeoutS, context), context);
    },
  };
}

/** The request, or what is wrong with it. */
function readRequest({ url, method = 'GET', headers = {}, body }: Arguments): HttpRequest | string {
  if (!URL.canParse(url)) return `${HTTP_REQUEST} needs a complete address such as https://example.com/path.`;
  const named = Object.entries(headers).map(([name, value]) => [name.trim().toLowerCase(), value] as const);
  const refused = named.find(([name]) => REFUSED_HEADERS.test(name));
  if (refused) return `The header ${refused[0]} cannot be set.`;
  if (body !== undefined && SAFE_METHODS.includes(method)) return `A ${method} request has no body.`;
  return { method, url: new URL(url), headers: Object.fromEntries(named), body };
}

async function run(
  request: HttpRequest,
  hosts: AllowedHosts,
  timeoutMs: number,
  context: ToolContext,
): Promise<ToolOutcome> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return answerOutcome(await exchange(request, hosts, AbortSignal.any([context.signal, timeout])));
  } catch (error) {
    // The connection is closed with the abort: nothing of the call is left on this side.
    if (context.signal.aborted) throw new ToolCancelled(HTTP_REQUEST, Promise.resolve(true));
    if (timeout.aborted)
      return { status: 'timeout', output: `${request.url.host} did not answer within ${inSeconds(timeoutMs)}.` };
    return failure(request, error);
  }
}

/** A connection that broke off after a POST was sent leaves open whether it was taken. */
function failure(request: HttpRequest, error: unknown): ToolOutcome {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const message = error instanceof Error ? error.message || code : String(error);
  const output = cutOutput(`${HTTP_REQUEST} failed: ${message}`);
  if (!BROKEN_OFF.has(code) || SAFE_METHODS.includes(request.method)) return { status: 'error', output };
  return { status: 'unknown', output: `${output}. Nobody knows whether the request took effect.` };
}

/** Any HTTP status is an answer, so the outcome is `ok`. */
function answerOutcome(answer: HttpAnswer): ToolOutcome {
  const head = `HTTP ${answer.status}\n${answer.contentType === undefined ? '' : `content-type: ${answer.contentType}\n`}\n`;
  const encoded = answer.contentEncoding !== undefined && answer.contentEncoding !== 'identity';
  if (encoded || !TEXT.test(answer.contentType ?? '')) {
    const kind = encoded ? `encoded as ${answer.contentEncoding}` : 'no text';
    return {
      status: 'ok',
      output: `${head}[body of ${answer.more ? 'more than ' : ''}${answer.body.length} bytes, ${kind}]`,
    };
  }
  return { status: 'ok', output: cutOutput(head + decode(answer), { moreFollowed: answer.more }) };
}

function decode({ body, contentType }: HttpAnswer): string {
  const charset = /charset="?([\w-]+)/i.exec(contentType ?? '')?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset).decode(body);
  } catch (error) {
    if (error instanceof RangeError) return body.toString('utf8'); // a charset that nobody knows
    throw error;
  }
}
