import { z } from '@hono/zod-openapi';
import { Id } from './fields.ts';

const MAX_LIMIT = 200;
const DEFAULT_LIMIT = 50;

/** Digits in a query, as a number; what is beyond the safe integers is refused. */
export function wholeNumber(range: z.ZodInt) {
  return z.string().regex(/^\d+$/, 'Expected a whole number').transform(Number).pipe(range);
}

/** The query every list takes. */
export const pageQuery = {
  limit: wholeNumber(z.int().min(1).max(MAX_LIMIT))
    .default(DEFAULT_LIMIT)
    .openapi({ type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT }),
  before: Id.optional().openapi({ description: 'The id of the last item seen: the list goes on after it.' }),
};
