/** What holdfast.yaml may say, as zod schemas. Unknown keys are refused everywhere, naming the known ones. */
import { z } from 'zod';
import type { RouteConfig } from '../models/types.ts';

const WEEK_S = 604_800;
const MAX_WAIT_S = 315_360_000; // ten years
const MAX_TIMER_S = 2_147_483; // what setTimeout can wait

const name = z.string().min(1);
const seconds = z.number().positive().max(MAX_TIMER_S);
const count = z.int().positive();
const price = z.number().nonnegative();

/** An object without other keys than these; the message for an unknown one says which there are. */
function exactly<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `unknown key ${issue.keys[0]}, expected one of ${known}` : undefined,
  });
}

const route = exactly({
  id: name.regex(/^\S+$/, 'expected a name without spaces'),
  provider: z.enum(['openai', 'anthropic', 'openai-compatible', 'demo']),
  model: name.optional(),
  api_key: name.optional(),
  base_url: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }).optional(),
  aliases: z.array(name).optional(),
  price: exactly({ input: price, cached_input: price.optional(), output: price }).optional(),
  context_tokens: count.optional(),
  retries: z.int().nonnegative().optional(),
  idle_timeout_s: seconds.optional(),
  max_concurrency: count.optional(),
  fallback: name.optional(),
}).superRefine((it, context) => {
  const missing = (path: string) =>
    context.addIssue({ code: 'custom', path: [path], message: `required for provider ${it.provider}` });
  if (it.provider !== 'demo' && it.model === undefined) missing('model');
  if ((it.provider === 'openai' || it.provider === 'anthropic') && it.api_key === undefined) missing('api_key');
  if (it.provider === 'openai-compatible' && it.base_url === undefined) missing('base_url');
}) satisfies z.ZodType<RouteConfig>;

const budget = exactly({
  max_turns: count.optional(),
  max_tokens: count.optional(),
  max_cost_usd: z.number().positive().optional(),
  timeout_s: z.number().positive().optional(),
  on_exceeded: z.enum(['fail', 'ask']).default('fail'),
});

const persona = exactly({
  // `@` separates a version from the key, `/` and `:` have a meaning in the API's paths.
  key: name.regex(/^[^\s@/:]+$/, 'expected a name without spaces, @, / and :'),
  display_name: name.optional(),
  route: name.optional(),
  model: name.optional(),
  instructions: z.string().default(''),
  tools: z.array(name).default([]),
  approval: z.record(name, z.enum(['always', 'never', 'hint'])).default({}),
  budget: budget.default({ on_exceeded: 'fail' }),
  input_timeout_s: z.number().positive().max(MAX_WAIT_S).default(WEEK_S),
}).refine((it) => it.route === undefined || it.model === undefined, {
  path: ['model'],
  message: 'expected either route or model, not both',
});

const DEFAULT_MCP_TIMEOUT_S = 30;

const mcpServer = exactly({
  command: name.optional(),
  args: z.array(z.string()).optional(),
  env: z.record(name, z.string()).optional(),
  url: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }).optional(),
  headers: z.record(name, z.string()).optional(),
  timeout_s: seconds.default(DEFAULT_MCP_TIMEOUT_S),
}).transform((it, context): McpServerConfig => {
  const { command, args, env, url, headers, timeout_s } = it;
  if (command !== undefined && url === undefined && headers === undefined) {
    return { command, args: args ?? [], env: env ?? {}, timeout_s };
  }
  if (url !== undefined && command === undefined && args === undefined && env === undefined) {
    return { url, headers: headers ?? {}, timeout_s };
  }
  context.addIssue({ code: 'custom', message: 'expected either command (with args, env) or url (with headers)' });
  return z.NEVER;
});

const tool = exactly({
  side_effects: z.boolean().optional(),
  timeout_s: seconds.optional(),
  /** Of `http_request` alone: the hosts it may reach; none: the tool is off. */
  hosts: z.array(name).optional(),
});

/** The whole file as it is written; `route` and `model` of a persona are settled against the routes afterwards. */
export const fileSchema = exactly({
  routes: z
    .array(route)
    .min(1, 'expected at least one route')
    .default([{ id: 'demo', provider: 'demo' }]),
  default_persona: name.optional(),
  personas: z.array(persona).min(1, 'expected at least one persona').optional(),
  mcp: z.record(z.string().regex(/^[^\s/*]+$/), mcpServer).default({}),
  tools: z.record(name, tool).default({}),
  openai: exactly({ expires_after_s: seconds.default(600) }).default({ expires_after_s: 600 }),
  limits: exactly({ active_runs_per_org: count.optional(), requests_per_minute: count.optional() }).default({}),
  retention_days: z.number().nonnegative().default(0),
  credits_per_usd: z.number().positive().default(1000),
});

export type ParsedFile = z.output<typeof fileSchema>;
export type ParsedPersona = z.output<typeof persona>;

export type BudgetConfig = z.output<typeof budget>;
export type ToolConfig = z.output<typeof tool>;

/** `route` is always the id of a configured route, whether the file named it by `route`, by `model` or not at all. */
export type PersonaConfig = Omit<ParsedPersona, 'route'> & { route: string };

/** A server that is started and spoken to over stdio, or one that is reached over HTTP. */
export type McpServerConfig =
  | { command: string; args: string[]; env: Record<string, string>; timeout_s: number }
  | { url: string; headers: Record<string, string>; timeout_s: number };

export type FileConfig = Omit<ParsedFile, 'routes' | 'personas' | 'default_persona'> & {
  /** The file that was read, as it was named; absent: none, these are the defaults. */
  path?: string;
  routes: RouteConfig[];
  default_persona: string;
  personas: PersonaConfig[];
};
