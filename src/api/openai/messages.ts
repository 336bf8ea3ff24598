import type { AssistantsCore } from './core.ts';
import { listOf, readPage } from './lists.ts';
import type { Mount } from './mount.ts';
import { readMessage, readMetadata } from './read-body.ts';
import { whileIdle } from './refusals.ts';
import { storedMessage } from './views/message.ts';

/** `/threads/{thread_id}/messages`. */
export function mountMessages(mount: Mount, holdfast: AssistantsCore): void {
  mount({ method: 'get', path: '/threads/{thread_id}/messages', scope: 'runs:read' }, async ({ c, caller, params }) => {
    const { items, more } = await holdfast.pageMessages(caller, params.thread_id, readPage(c, ['run_id']));
    return c.json(listOf({ items: items.map(storedMessage), more }));
  });

  mount(
    { method: 'post', path: '/threads/{thread_id}/messages', scope: 'runs:write', body: 'CreateMessageRequest' },
    async ({ c, caller, params: { thread_id }, body, once }) => {
      const add = () => holdfast.createMessage(caller, thread_id, readMessage(body), once);
      const { value } = await whileIdle(`add messages to ${thread_id}`, add);
      return c.json(storedMessage({ ...value, began_at: null, finish_reason: null, run: null }));
    },
  );

  const one = '/threads/{thread_id}/messages/{message_id}';
  mount({ method: 'get', path: one, scope: 'runs:read' }, async ({ c, caller, params }) =>
    c.json(storedMessage(await holdfast.getMessage(caller, params.thread_id, params.message_id))),
  );

  mount(
    { method: 'post', path: one, scope: 'runs:write', body: 'ModifyMessageRequest' },
    async ({ c, caller, params: { thread_id, message_id }, body }) => {
      const message =
        body.metadata === undefined
          ? await holdfast.getMessage(caller, thread_id, message_id)
          : await holdfast.updateMessage(caller, thread_id, message_id, { metadata: readMetadata(body.metadata) });
      return c.json(storedMessage(message));
    },
  );

  mount({ method: 'delete', path: one, scope: 'runs:write' }, async ({ c, caller, params }) => {
    await whileIdle(`delete messages from ${params.thread_id}`, () =>
      holdfast.deleteMessage(caller, params.thread_id, params.message_id),
    );
    return c.json({ id: params.message_id, object: 'thread.message.deleted', deleted: true });
  });
}
