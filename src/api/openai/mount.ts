/** How endpoints of this dialect are added: scope, body by the document's schema, errors of the core in OpenAI's words. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HoldfastError } from '../../errors.ts';
import type { Caller, Idempotency, Scope } from '../../runs/types.ts';
import { requireScope } from '../auth.ts';
import { readJson } from '../body.ts';
import type { ApiEnv } from '../env.ts';
import { type InFlight, idempotencyOf } from '../idempotency.ts';
import { notFound, refusal } from './refusals.ts';
import type { Bodies } from './schema/bodies.ts';
import type { BodyReader } from './schema/validate.ts';

type Param = 'assistant_id' | 'thread_id' | 'message_id' | 'run_id' | 'step_id';
type ParamsOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamsOf<Rest>
  : never;

export type Endpoint<Path extends string, Name extends keyof Bodies | undefined> = {
  method: 'get' | 'post' | 'delete';
  /** Below the dialect's base, as the document writes it: `/threads/{thread_id}`. */
  path: Path;
  scope: Scope;
  /** The schema of its body; an empty body is read as `{}`. */
  body?: Name;
};

export type Asked<Path extends string, Name extends keyof Bodies | undefined> = {
  c: Context<ApiEnv>;
  caller: Caller;
  params: Record<ParamsOf<Path>, string>;
  body: Name extends keyof Bodies ? Bodies[Name] : undefined;
  once: Idempotency | undefined;
};

export type Mount = <const Path extends string, Name extends keyof Bodies | undefined = undefined>(
  endpoint: Endpoint<Path, Name>,
  answer: (asked: Asked<Path, Name>) => Promise<Response> | Response,
) => void;

export function createMount(options: {
  app: OpenAPIHono<ApiEnv>;
  base: string;
  inFlight: InFlight;
  readBody: BodyReader;
}): Mount {
  const { app, base, inFlight, readBody } = options;
  return (endpoint, answer) => {
    app.on(endpoint.method, base + endpoint.path.replaceAll(/{(\w+)}/g, ':$1'), async (c) => {
      const caller = c.get('caller');
      requireScope(caller, endpoint.scope);
      const params = c.req.param() as Record<Param, string>;
      const sent = endpoint.method === 'post' ? ((await readJson(c.req.raw)) ?? {}) : undefined;
      const body = endpoint.body === undefined ? undefined : readBody(endpoint.body, sent);
      const asked = { method: c.req.method, path: c.req.path, body: sent };
      const once = endpoint.method === 'post' ? idempotencyOf(c.req.header('idempotency-key'), asked) : undefined;
      try {
        return await inFlight.run(
          caller.org_id,
          once,
          async () => await answer({ c, caller, params, body, once } as Asked<string, keyof Bodies> as never),
        );
      } catch (error) {
        throw inWords(error, params);
      }
    });
  };
}

/** What the core says of the things a path names, in OpenAI's words. */
function inWords(error: unknown, params: Record<Param, string>): unknown {
  if (!(error instanceof HoldfastError)) return error;
  const { thread_id, message_id, run_id, assistant_id } = params;
  if (error.code === 'threads.not_found') return notFound('thread', thread_id);
  if (error.code === 'messages.not_found') return notFound('message', message_id);
  if (error.code === 'runs.not_found') return notFound('run', run_id);
  if (error.code === 'personas.not_found') return notFound('assistant', assistant_id);
  if (error.code === 'threads.busy') {
    return refusal(`Thread ${thread_id} already has an active run ${error.details?.active_run_id}.`);
  }
  return error;
}
