import { z } from '@hono/zod-openapi';
import { Time } from './fields.ts';
import { wholeNumber } from './lists.ts';

export const EVENT_TYPES = [
  'run.started',
  'turn.started',
  'message.delta',
  'reasoning.delta',
  'message.completed',
  'message.reset',
  'message.received',
  'prompt.truncated',
  'tool.call',
  'tool.progress',
  'tool.result',
  'run.waiting_for_input',
  'run.input_received',
  'run.cancel_requested',
  'run.completed',
  'run.failed',
  'run.cancelled',
] as const;

/** The JSON in the `data:` line of a frame. */
export const Event = z
  .object({
    seq: z.int().positive(),
    type: z.enum(EVENT_TYPES),
    data: z.record(z.string(), z.unknown()),
    created_at: Time,
  })
  .openapi('Event', {
    description:
      'A frame is `id: <seq>`, `event: <type>`, `data: <this object>`. `seq` starts at 1 and has no gaps. Exactly one of `run.completed`, `run.failed`, `run.cancelled` ends every run. `: ping` comments keep the connection open.',
  });

/** A position in a run's events, in a query or in `Last-Event-ID`. */
export const Seq = wholeNumber(z.int().min(0));

export const EventsQuery = z.strictObject({
  after_seq: Seq.optional().openapi({ type: 'integer', minimum: 0, description: 'Resume after this event' }),
  follow: z
    .enum(['true', 'false'])
    .default('true')
    .transform((it) => it === 'true')
    .openapi({ type: 'boolean', default: true, description: '`false`: end after what is stored now' }),
});
