import { z } from '@hono/zod-openapi';
import type { Holdfast } from '../../runs/holdfast.ts';
import type { Mount } from '../endpoint.ts';
import { LINK_HEADER, list, noteReplay, REPLAYED_HEADER } from './answers.ts';
import { runParam, threadParam } from './path-params.ts';
import { Id, Name, Ok } from './schemas/fields.ts';
import { pageQuery } from './schemas/lists.ts';
import { NewRunMessage, RunDetails, RunRow, Status, ThreadRun } from './schemas/runs.ts';
import { Message } from './schemas/threads.ts';

const Instant = z.iso
  .datetime({ offset: true, error: 'Expected an RFC 3339 time' })
  .transform((it) => new Date(it).toISOString());

const RunsQuery = z.strictObject({
  ...pageQuery,
  status: Status.optional(),
  thread_id: Id.optional(),
  persona_id: Name.optional(),
  model: Name.optional(),
  since: Instant.optional().openapi({ type: 'string', format: 'date-time', description: 'Created at or after' }),
  until: Instant.optional().openapi({ type: 'string', format: 'date-time', description: 'Created before' }),
  parent_run_id: Id.optional(),
});

/** Reading runs, cancelling one, and saying something to one that works. */
export function mountRuns(mount: Mount, holdfast: Holdfast): void {
  mount(
    {
      method: 'get',
      path: '/v1/threads/{thread_id}/runs',
      scope: 'runs:read',
      id: 'listRunsOfThread',
      tag: 'Runs',
      summary: 'List a thread’s runs, newest first',
      params: threadParam,
      query: z.strictObject(pageQuery),
      answers: { 200: { description: 'Runs', json: z.array(ThreadRun), headers: LINK_HEADER } },
    },
    async ({ c, caller, params, query }) => {
      // A filter by an unknown thread finds nothing; here the thread is part of the path and has to be there.
      const { id } = await holdfast.getThread(caller, params.thread_id);
      const page = await holdfast.listRuns(caller, { thread_id: id }, query);
      return list(c, page, (run) => run.run_id, {
        show: ({ run_id, status, created_at }) => ({ run_id, status, created_at }),
      });
    },
  );

  mount(
    {
      method: 'get',
      path: '/v1/runs',
      scope: 'runs:read',
      id: 'listRuns',
      tag: 'Runs',
      summary: 'List the organisation’s runs, newest first',
      query: RunsQuery,
      answers: { 200: { description: 'Runs', json: z.array(RunRow), headers: LINK_HEADER } },
    },
    async ({ c, caller, query: { limit, before, ...filter } }) =>
      list(c, await holdfast.listRuns(caller, filter, { limit, before }), (run) => run.run_id),
  );

  mount(
    {
      method: 'get',
      path: '/v1/runs/{run_id}',
      scope: 'runs:read',
      id: 'getRun',
      tag: 'Runs',
      summary: 'Get a run',
      params: runParam,
      query: z.strictObject({
        include: z
          .literal('live')
          .optional()
          .openapi({ description: '`live`: what Temporal says of an active run, within 250 ms' }),
      }),
      answers: { 200: { description: 'The run', json: RunDetails } },
    },
    async ({ c, caller, params, query }) =>
      c.json(await holdfast.getRun(caller, params.run_id, { live: query.include === 'live' })),
  );

  mount(
    {
      method: 'post',
      path: '/v1/runs/{run_id}/~cancel',
      scope: 'runs:write',
      id: 'cancelRun',
      tag: 'Runs',
      summary: 'Cancel a run',
      description: 'Repeatable. Nothing changes for a run that has ended.',
      params: runParam,
      body: z.strictObject({}),
      bodyMayBeEmpty: true,
      answers: { 200: { description: 'It will end, or has ended', json: Ok, headers: REPLAYED_HEADER } },
    },
    async ({ c, caller, params, once }) => c.json(noteReplay(c, await holdfast.cancelRun(caller, params.run_id, once))),
  );

  mount(
    {
      method: 'post',
      path: '/v1/runs/{run_id}/messages',
      scope: 'runs:write',
      id: 'addRunMessage',
      tag: 'Runs',
      summary: 'Say something to an active run',
      description:
        'The message is put before the run’s next turn; the event `message.received` says when. A run that would have ended takes one more turn for it.',
      params: runParam,
      body: NewRunMessage,
      answers: {
        201: { description: 'It was accepted; its status is `pending`', json: Message, headers: REPLAYED_HEADER },
      },
      conflicts: ['runs.not_active'],
    },
    async ({ c, caller, params, body, once }) =>
      c.json(noteReplay(c, await holdfast.addRunMessage(caller, params.run_id, body.content, once)), 201),
  );
}
