import type { Context } from 'hono';
import type { Holdfast } from '../../runs/holdfast.ts';
import type { Caller, CreateRun, Idempotency } from '../../runs/types.ts';
import { requireScope } from '../auth.ts';
import type { ApiEnv } from '../env.ts';
import { listOf, readPage, readQuery } from './lists.ts';
import type { Mount } from './mount.ts';
import { readMessages, readMetadata, refuseToolResources } from './read-body.ts';
import { readRun } from './read-run.ts';
import { refusal } from './refusals.ts';
import { streamRun } from './stream/respond.ts';
import { RunStory } from './stream/story.ts';
import { ACCEPTED, factsOf, hasEnded, runObject, runView, stateOf } from './views/run.ts';
import { threadObject } from './views/thread.ts';

/** A client asks again after a twentieth of the run's age: soon while it is young. */
const POLL_SHARE = 20;
const POLL_MIN_MS = 50;
const POLL_MAX_MS = 1_000;

/** `/threads/{thread_id}/runs`, `/threads/runs`, and a run's cancel. */
export function mountRuns(mount: Mount, holdfast: Holdfast, { expiresAfterS }: { expiresAfterS: number }): void {
  const limits = { expires_after_s: expiresAfterS };
  const all = '/threads/{thread_id}/runs';
  const one = '/threads/{thread_id}/runs/{run_id}';

  mount(
    { method: 'post', path: '/threads/runs', scope: 'runs:write', body: 'CreateThreadAndRunRequest' },
    async (asked) => {
      const { c, caller, body, once } = asked;
      refuseToolResources(body.thread?.tool_resources, 'thread.tool_resources');
      const messages = readMessages(body.thread?.messages, 'thread.messages');
      const thread = { metadata: readMetadata(body.thread?.metadata), messages };
      const input = { ...(await readRun(holdfast, caller, body)), ...limits, thread };
      return await create(holdfast, c, caller, { threadId: null, input, once, stream: body.stream === true });
    },
  );

  mount({ method: 'post', path: all, scope: 'runs:write', body: 'CreateRunRequest' }, async (asked) => {
    const { c, caller, params, body, once } = asked;
    readQuery(c, []);
    const input = { ...(await readRun(holdfast, caller, body)), ...limits };
    return await create(holdfast, c, caller, { threadId: params.thread_id, input, once, stream: body.stream === true });
  });

  mount({ method: 'get', path: all, scope: 'runs:read' }, async ({ c, caller, params }) => {
    const { items, more } = await holdfast.pageRuns(caller, params.thread_id, readPage(c));
    return c.json(listOf({ items: items.map(runView), more }));
  });

  mount({ method: 'get', path: one, scope: 'runs:read' }, async ({ c, caller, params }) => {
    const picture = await holdfast.runPicture(caller, params.thread_id, params.run_id);
    if (c.req.header('x-stainless-poll-helper') !== undefined) {
      const ageMs = Date.now() - Date.parse(picture.run.created_at);
      const pollMs = Math.min(POLL_MAX_MS, Math.max(POLL_MIN_MS, Math.round(ageMs / POLL_SHARE)));
      c.header('openai-poll-after-ms', String(pollMs));
    }
    return c.json(runView(picture));
  });

  mount(
    { method: 'post', path: one, scope: 'runs:write', body: 'ModifyRunRequest' },
    async ({ c, caller, params, body }) => {
      const { thread_id, run_id } = params;
      const before = await holdfast.runPicture(caller, thread_id, run_id);
      if (body.metadata === undefined) return c.json(runView(before));
      await holdfast.updateRun(caller, run_id, { metadata: readMetadata(body.metadata) });
      return c.json(runView(await holdfast.runPicture(caller, thread_id, run_id)));
    },
  );

  mount({ method: 'post', path: `${one}/cancel`, scope: 'runs:write' }, async ({ c, caller, params, once }) => {
    const { thread_id, run_id } = params;
    const before = await holdfast.runPicture(caller, thread_id, run_id);
    if (hasEnded(stateOf(before).status)) throw cannotCancel(stateOf(before).status);
    await holdfast.cancelRun(caller, run_id, once);
    const { status } = stateOf(await holdfast.runPicture(caller, thread_id, run_id));
    // It may have ended otherwise in between.
    if (hasEnded(status) && status !== 'cancelled') throw cannotCancel(status);
    return c.json(runObject(factsOf(before), { ...stateOf(before), status: 'cancelling' }));
  });
}

const cannotCancel = (status: string) => refusal(`Cannot cancel run with status '${status}'.`);

/** Answers the run as it was accepted, or with its stream. */
async function create(
  holdfast: Holdfast,
  c: Context<ApiEnv>,
  caller: Caller,
  asked: { threadId: string | null; input: CreateRun; once: Idempotency | undefined; stream: boolean },
): Promise<Response> {
  if (asked.stream) requireScope(caller, 'runs:read');
  const { value } = await holdfast.createRun(caller, asked.threadId, asked.input, asked.once);
  const facts = factsOf(await holdfast.runPicture(caller, value.thread_id, value.run_id));
  if (!asked.stream) return c.json(runObject(facts, ACCEPTED));
  const story = new RunStory(facts);
  const thread = asked.threadId === null ? await holdfast.getThread(caller, value.thread_id) : undefined;
  const opening = [...(thread ? [{ event: 'thread.created', data: threadObject(thread) }] : []), ...story.opening()];
  return await streamRun(c, holdfast, caller, { story, opening, afterSeq: 0 });
}
