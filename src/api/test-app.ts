/** For tests of HTTP alone: the app over a core of which only the named methods exist; any other call fails the test. */
import pino, { type Logger } from 'pino';
import type { Holdfast } from '../runs/holdfast.ts';
import type { Caller, EventStream } from '../runs/types.ts';
import { dialectsOf } from '../server/dialects.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { NO_TRACING } from '../telemetry/tracing.ts';
import { type AppOptions, createApp } from './app.ts';

export const ADMIN: Caller = {
  org_id: 'org_a',
  key_id: 'key_a',
  scopes: ['admin'],
  user_id: null,
  user_name: null,
  user_email: null,
  trace_id: '',
};

export type Core = { [Method in keyof Holdfast]?: Holdfast[Method] };
export type RawBody = string | Uint8Array<ArrayBuffer> | ReadableStream;
type Sent = { method?: string; body?: unknown; raw?: RawBody; headers?: Record<string, string>; signal?: AbortSignal };

/** `send` authorizes as `caller`, and sends `body` as JSON. `logged` holds the log's lines. */
export function testApp(
  core: Core = {},
  options: { caller?: Partial<Caller> } & Pick<AppOptions, 'limits' | 'admission'> = {},
) {
  const logged: Record<string, unknown>[] = [];
  const log: Logger = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const known: Core = { authenticate: async () => ({ ...ADMIN, ...options.caller }), ...core };
  const holdfast = new Proxy(known, {
    get(target, name: keyof Holdfast) {
      if (target[name] === undefined) throw new Error(`the test did not expect a call of ${String(name)}`);
      return target[name];
    },
  }) as Holdfast;
  const app = createApp(holdfast, dialectsOf({ openai: { expires_after_s: 600 } }), {
    log,
    version: '9.9.9',
    telemetry: { metrics: createMetrics(), tracing: NO_TRACING },
    limits: options.limits,
    admission: options.admission,
  });
  const send = async (path: string, { method = 'GET', body, raw, headers, signal }: Sent = {}): Promise<Response> =>
    await app.request(
      new Request(`http://localhost${path}`, {
        method,
        body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
        headers: { authorization: 'Bearer secret-of-a', ...headers },
        signal,
        ...(raw instanceof ReadableStream && { duplex: 'half' }),
      }),
    );
  return { app, send, logged };
}

/** A stream of these chunks that ends. */
export function endedStream(chunks: string[], atEnd = false): EventStream {
  return { atEnd, body: ReadableStream.from(chunks.map((chunk) => new TextEncoder().encode(chunk))) };
}
