import { z } from '@hono/zod-openapi';

export const ErrorBody = z
  .object({
    code: z.string().openapi({ example: 'runs.not_waiting' }),
    message: z.string(),
    trace_id: z.string(),
    details: z.record(z.string(), z.unknown()).optional().openapi({
      description:
        '`issues[]` of `{path, message}` for `validation.failed`; the path is dotted, as `budget.max_turns`.',
    }),
  })
  .openapi('Error');
