import { z } from '@hono/zod-openapi';
import type { Holdfast } from '../../runs/holdfast.ts';
import type { Mount } from '../endpoint.ts';
import { LINK_HEADER, list, noteReplay, REPLAYED_HEADER } from './answers.ts';
import { threadParam } from './path-params.ts';
import { pageQuery } from './schemas/lists.ts';
import { DeletedThread, NewThread, Thread, ThreadPatch } from './schemas/threads.ts';

/** `/v1/threads` and `/v1/threads/{thread_id}`. */
export function mountThreads(mount: Mount, holdfast: Holdfast): void {
  mount(
    {
      method: 'post',
      path: '/v1/threads',
      scope: 'runs:write',
      id: 'createThread',
      tag: 'Threads',
      summary: 'Create a thread',
      body: NewThread,
      bodyMayBeEmpty: true,
      answers: { 201: { description: 'The thread', json: Thread, headers: REPLAYED_HEADER } },
    },
    async ({ c, caller, body, once }) => c.json(noteReplay(c, await holdfast.createThread(caller, body, once)), 201),
  );

  mount(
    {
      method: 'get',
      path: '/v1/threads',
      scope: 'runs:read',
      id: 'listThreads',
      tag: 'Threads',
      summary: 'List threads, newest first',
      query: z.strictObject(pageQuery),
      answers: { 200: { description: 'Threads', json: z.array(Thread), headers: LINK_HEADER } },
    },
    async ({ c, caller, query }) => list(c, await holdfast.listThreads(caller, query), (thread) => thread.id),
  );

  mount(
    {
      method: 'get',
      path: '/v1/threads/{thread_id}',
      scope: 'runs:read',
      id: 'getThread',
      tag: 'Threads',
      summary: 'Get a thread',
      params: threadParam,
      answers: { 200: { description: 'The thread', json: Thread } },
    },
    async ({ c, caller, params }) => c.json(await holdfast.getThread(caller, params.thread_id)),
  );

  mount(
    {
      method: 'patch',
      path: '/v1/threads/{thread_id}',
      scope: 'runs:write',
      id: 'updateThread',
      tag: 'Threads',
      summary: 'Change a thread’s title or metadata',
      params: threadParam,
      body: ThreadPatch,
      answers: { 200: { description: 'The thread as it is now', json: Thread } },
    },
    async ({ c, caller, params, body }) => c.json(await holdfast.updateThread(caller, params.thread_id, body)),
  );

  mount(
    {
      method: 'delete',
      path: '/v1/threads/{thread_id}',
      scope: 'runs:write',
      id: 'deleteThread',
      tag: 'Threads',
      summary: 'Delete a thread with its messages, runs and events',
      params: threadParam,
      answers: { 200: { description: 'It is gone', json: DeletedThread } },
      conflicts: ['threads.busy'],
    },
    async ({ c, caller, params }) => {
      await holdfast.deleteThread(caller, params.thread_id);
      return c.json({ id: params.thread_id, deleted: true });
    },
  );
}
