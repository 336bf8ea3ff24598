import { z } from '@hono/zod-openapi';
import type { MessageView, ThreadView } from '../../../runs/types.ts';
import { Content, Id, Metadata, Part, Time } from './fields.ts';

const MAX_TITLE = 512;
const Title = z.string().max(MAX_TITLE);

export const NewThread = z
  .strictObject({ title: Title.optional(), metadata: Metadata.optional() })
  .openapi('NewThread');

export const ThreadPatch = z
  .strictObject({ title: Title.nullable().optional(), metadata: Metadata.optional() })
  .openapi('ThreadPatch', { description: 'A field that is absent stays; `title: null` removes the title.' });

export const Thread = z
  .object({
    id: Id,
    title: z.string().nullable(),
    metadata: Metadata,
    active_run_id: Id.nullable(),
    created_at: Time,
    updated_at: Time,
  })
  .openapi('Thread') satisfies z.ZodType<ThreadView>;

export const DeletedThread = z.object({ id: Id, deleted: z.literal(true) }).openapi('DeletedThread');

export const NewMessage = z
  .strictObject({ role: z.enum(['user', 'assistant']).default('user'), content: Content })
  .openapi('NewMessage');

export const Message = z
  .object({
    id: Id,
    thread_id: Id,
    run_id: Id.nullable(),
    role: z.enum(['user', 'assistant']),
    content: z.array(Part),
    status: z.enum(['completed', 'incomplete', 'pending']),
    metadata: Metadata,
    created_at: Time,
  })
  .openapi('Message') satisfies z.ZodType<MessageView>;
