import { z } from '@hono/zod-openapi';
import type { Answer } from '../../../runs/types.ts';
import { Name } from './fields.ts';

const ToolOutput = z.strictObject({ call_id: Name, output: z.string() }).openapi('ToolOutput');

/** The core checks what depends on the request that is answered, the size of `content` included. */
export const InputAnswer = z
  .strictObject({
    content: z.string().optional().openapi({ description: 'At most 32,768 bytes of UTF-8' }),
    request_id: Name.optional().openapi({ description: 'Needed when several requests are open' }),
    tool_outputs: z.array(ToolOutput).min(1).optional().openapi({ description: 'All calls of the request at once' }),
  })
  .refine((it) => it.content !== undefined || it.tool_outputs !== undefined, {
    path: ['content'],
    message: 'Expected content or tool_outputs',
  })
  .openapi('InputAnswer') satisfies z.ZodType<Answer>;
