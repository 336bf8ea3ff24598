import { z } from '@hono/zod-openapi';
import type { Holdfast } from '../../runs/holdfast.ts';
import type { Mount } from '../endpoint.ts';
import { LINK_HEADER, list, noteReplay, REPLAYED_HEADER } from './answers.ts';
import { threadParam } from './path-params.ts';
import { Id } from './schemas/fields.ts';
import { pageQuery } from './schemas/lists.ts';
import { Message, NewMessage } from './schemas/threads.ts';

const MessagesQuery = z
  .strictObject({
    ...pageQuery,
    after: Id.optional().openapi({ description: 'Go forward from this message, oldest first' }),
  })
  .refine((it) => it.before === undefined || it.after === undefined, {
    path: ['after'],
    message: 'Expected before or after, not both',
  });

/** `/v1/threads/{thread_id}/messages`. */
export function mountMessages(mount: Mount, holdfast: Holdfast): void {
  mount(
    {
      method: 'post',
      path: '/v1/threads/{thread_id}/messages',
      scope: 'runs:write',
      id: 'createMessage',
      tag: 'Threads',
      summary: 'Append a message',
      params: threadParam,
      body: NewMessage,
      answers: { 201: { description: 'The message', json: Message, headers: REPLAYED_HEADER } },
      conflicts: ['threads.busy'],
    },
    async ({ c, caller, params, body, once }) =>
      c.json(noteReplay(c, await holdfast.createMessage(caller, params.thread_id, body, once)), 201),
  );

  mount(
    {
      method: 'get',
      path: '/v1/threads/{thread_id}/messages',
      scope: 'runs:read',
      id: 'listMessages',
      tag: 'Threads',
      summary: 'List messages, newest first, or oldest first from `after`',
      params: threadParam,
      query: MessagesQuery,
      answers: { 200: { description: 'Messages', json: z.array(Message), headers: LINK_HEADER } },
    },
    async ({ c, caller, params, query }) => {
      const page = await holdfast.listMessages(caller, params.thread_id, query);
      return list(c, page, (message) => message.id, { cursor: query.after === undefined ? 'before' : 'after' });
    },
  );
}
