import { z } from '@hono/zod-openapi';
import type { RouteInfo } from '../../../models/types.ts';
import type { PersonaDefinition, PersonaView } from '../../../runs/types.ts';
import { BudgetLimits, MAX_TIMEOUT_S, Metadata, Name, Time } from './fields.ts';

const MAX_KEY = 64;
const Approval = z.enum(['always', 'never', 'hint']);

export const NewPersona = z
  .strictObject({
    // `@` separates a version from the key, `/`, `:` and a leading `~` have a meaning in paths.
    key: z
      .string()
      .max(MAX_KEY)
      .regex(/^[^\s@/:~][^\s@/:]*$/, 'Expected a name without spaces, @, / and :'),
    display_name: Name.optional(),
    instructions: z.string().optional(),
    model: Name.optional(),
    route_id: Name.optional(),
    tools: z.array(Name).optional(),
    approval: z.record(Name, Approval).optional(),
    budget: BudgetLimits.optional(),
    input_timeout_s: z.number().positive().max(MAX_TIMEOUT_S).optional(),
  })
  .openapi('NewPersona') satisfies z.ZodType<PersonaDefinition>;

/** Fields of a persona that was made, or changed, as an assistant of OpenAI's API. */
const ofAssistants = {
  description: z.string().optional(),
  metadata: Metadata.optional(),
  functions: z
    .array(z.record(z.string(), z.unknown()))
    .optional()
    .openapi({ description: 'Functions that the client of its runs executes itself' }),
  settings: z
    .record(z.string(), z.unknown())
    .optional()
    .openapi({ description: 'How its model is called: `temperature`, `top_p`, `response_format`, `reasoning_effort`' }),
};

export const Persona = z
  .object({
    key: z.string(),
    version: z.int().positive(),
    display_name: z.string(),
    instructions: z.string(),
    model: z.string().nullable(),
    route_id: z.string().nullable(),
    tools: z.array(z.string()),
    approval: z.record(z.string(), z.string()),
    budget: BudgetLimits,
    input_timeout_s: z.number(),
    created_at: Time,
    ...ofAssistants,
  })
  .openapi('Persona') satisfies z.ZodType<Omit<PersonaView, 'functions' | 'settings'>>;

const Price = z.object({ input: z.number(), cached_input: z.number().optional(), output: z.number() });

export const Route = z
  .object({
    id: z.string(),
    provider: z.enum(['demo', 'openai', 'anthropic', 'openai-compatible']),
    model: z.string(),
    aliases: z.array(z.string()).readonly(),
    price: Price.nullable().openapi({ description: 'USD per million tokens; null: unknown, so costs are null too' }),
    context_tokens: z.int().nullable(),
    retries: z.int(),
    idle_timeout_s: z.number(),
    max_concurrency: z.int(),
    fallback: z.string().nullable(),
  })
  .openapi('Route') satisfies z.ZodType<RouteInfo>;
