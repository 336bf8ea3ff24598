/** Fields that several resources share. */
import { z } from '@hono/zod-openapi';
import type { ContentPart } from '../../../models/types.ts';
import type { Budget } from '../../../runs/types.ts';

const MAX_METADATA_PAIRS = 16;
const MAX_METADATA_KEY = 64;
const MAX_METADATA_VALUE = 512;
const MAX_NAME = 256;
export const MAX_TIMEOUT_S = 315_360_000; // ten years; far below what Temporal's durations hold

/** An id in a body or a query. Whether it names something is for the core to say. */
export const Id = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'Expected an id');

/** The name of a route, model, persona or tool. */
export const Name = z
  .string()
  .min(1)
  .max(MAX_NAME)
  .refine((it) => !/\p{Cc}/u.test(it), 'Expected a name without control characters');

export const Time = z.iso
  .datetime()
  .openapi({ description: 'RFC 3339 UTC with milliseconds', example: '2026-11-22T10:00:00.123Z' });

export const Metadata = z
  .record(z.string().min(1).max(MAX_METADATA_KEY), z.string().max(MAX_METADATA_VALUE))
  .refine((pairs) => Object.keys(pairs).length <= MAX_METADATA_PAIRS, `At most ${MAX_METADATA_PAIRS} pairs`)
  .openapi('Metadata', {
    description: `At most ${MAX_METADATA_PAIRS} pairs; names up to ${MAX_METADATA_KEY}, values up to ${MAX_METADATA_VALUE} characters.`,
  });

const TextPart = z.strictObject({ type: z.literal('text'), text: z.string().min(1) });

const ImagePart = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.strictObject({
    url: z
      .string()
      .regex(/^(https?:\/\/|data:image\/)/, 'Expected an http, https or data:image address')
      .openapi({ description: 'Given to the model’s provider as it is; this server never fetches it.' }),
    detail: z.enum(['auto', 'low', 'high']).optional(),
  }),
});

export const Part = z
  .discriminatedUnion('type', [TextPart, ImagePart])
  .openapi('ContentPart') satisfies z.ZodType<ContentPart>;

/** What a client writes: a text, or parts. */
export const Content = z
  .union([z.string().min(1), z.array(Part).min(1)], { error: 'Expected a text or a list of content parts' })
  .openapi('Content');

export const BudgetLimits = z
  .strictObject({
    max_turns: z.int().positive().optional(),
    max_tokens: z.int().positive().optional(),
    max_cost_usd: z.number().positive().optional(),
    timeout_s: z.number().positive().max(MAX_TIMEOUT_S).optional().openapi({
      description: 'Does not run while the run waits for its human.',
    }),
    on_exceeded: z.enum(['fail', 'ask']).optional(),
  })
  .openapi('Budget') satisfies z.ZodType<Budget>;

/** `{ok: true}` */
export const Ok = z.object({ ok: z.literal(true) }).openapi('Ok');
