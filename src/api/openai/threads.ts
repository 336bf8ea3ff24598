import type { AssistantsCore } from './core.ts';
import type { Mount } from './mount.ts';
import { readMessages, readMetadata, refuseToolResources } from './read-body.ts';
import { whileIdle } from './refusals.ts';
import { threadObject } from './views/thread.ts';

/** `/threads` and `/threads/{thread_id}`. */
export function mountThreads(mount: Mount, holdfast: AssistantsCore): void {
  mount(
    { method: 'post', path: '/threads', scope: 'runs:write', body: 'CreateThreadRequest' },
    async ({ c, caller, body, once }) => {
      refuseToolResources(body.tool_resources);
      const messages = readMessages(body.messages, 'messages');
      const thread = { metadata: readMetadata(body.metadata), messages };
      return c.json(threadObject((await holdfast.createThread(caller, thread, once)).value));
    },
  );

  mount({ method: 'get', path: '/threads/{thread_id}', scope: 'runs:read' }, async ({ c, caller, params }) =>
    c.json(threadObject(await holdfast.getThread(caller, params.thread_id))),
  );

  mount(
    { method: 'post', path: '/threads/{thread_id}', scope: 'runs:write', body: 'ModifyThreadRequest' },
    async ({ c, caller, params, body }) => {
      refuseToolResources(body.tool_resources);
      const patch = body.metadata === undefined ? {} : { metadata: readMetadata(body.metadata) };
      return c.json(threadObject(await holdfast.updateThread(caller, params.thread_id, patch)));
    },
  );

  mount(
    { method: 'delete', path: '/threads/{thread_id}', scope: 'runs:write' },
    async ({ c, caller, params: { thread_id } }) => {
      await whileIdle(`delete ${thread_id}`, () => holdfast.deleteThread(caller, thread_id));
      return c.json({ id: thread_id, object: 'thread.deleted', deleted: true });
    },
  );
}
