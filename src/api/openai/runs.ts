import type { Context } from 'hono';
import type { RunPicture } from '../../runs/dialect-types.ts';
import { readAccepted } from '../../runs/read-accepted.ts';
import type { Caller, CreateRun, Idempotency, RunAlias } from '../../runs/types.ts';
import { requireScope } from '../auth.ts';
import type { ApiEnv } from '../env.ts';
import type { AssistantsCore } from './core.ts';
import { readPage, readQuery } from './lists.ts';
import type { Asked, Mount } from './mount.ts';
import { readMessages, readMetadata, refuseToolResources } from './read-body.ts';
import { readRun } from './read-run.ts';
import { refusal } from './refusals.ts';
import type { RunStyle } from './run-style.ts';
import { streamRun } from './stream/respond.ts';
import { RunStory } from './stream/story.ts';
import { ACCEPTED, factsOf, hasEnded, stateOf } from './views/run.ts';
import { threadObject } from './views/thread.ts';

/** A client asks again after a twentieth of the run's age: soon while it is young. */
const POLL_SHARE = 20;
const POLL_MIN_MS = 50;
const POLL_MAX_MS = 1_000;

const ALL = '/threads/{thread_id}/runs';
const ONE = '/threads/{thread_id}/runs/{run_id}';

/** `/threads/{thread_id}/runs`, `/threads/runs`, and a run's cancel. */
export function mountRuns(mount: Mount, holdfast: AssistantsCore, style: RunStyle): void {
  const runView = viewIn(style);

  mount(
    { method: 'post', path: '/threads/runs', scope: 'runs:write', body: 'CreateThreadAndRunRequest' },
    async (asked) => {
      const { c, caller, body, once } = asked;
      refuseToolResources(body.thread?.tool_resources, 'thread.tool_resources');
      const messages = readMessages(body.thread?.messages, 'thread.messages');
      const thread = { metadata: readMetadata(body.thread?.metadata), messages };
      const input = { ...(await readRun(holdfast, caller, body)), thread };
      return await create(holdfast, c, caller, style, { threadId: null, input, once, stream: body.stream === true });
    },
  );

  mount({ method: 'post', path: ALL, scope: 'runs:write', body: 'CreateRunRequest' }, async (asked) => {
    return await createOnThread(holdfast, asked, style);
  });

  mount({ method: 'get', path: ALL, scope: 'runs:read' }, async ({ c, caller, params }) => {
    const page = readPage(c);
    const { items, more } = await holdfast.pageRuns(caller, params.thread_id, page);
    return c.json(style.list(c, { items: items.map(runView), more }, page));
  });

  mount({ method: 'get', path: ONE, scope: 'runs:read' }, async ({ c, caller, params }) => {
    const picture = await holdfast.runPicture(caller, params.thread_id, params.run_id);
    if (c.req.header('x-stainless-poll-helper') !== undefined) {
      const ageMs = Date.now() - Date.parse(picture.run.created_at);
      const pollMs = Math.min(POLL_MAX_MS, Math.max(POLL_MIN_MS, Math.round(ageMs / POLL_SHARE)));
      c.header('openai-poll-after-ms', String(pollMs));
    }
    return c.json(runView(picture));
  });

  mount({ method: 'post', path: `${ONE}/cancel`, scope: 'runs:write' }, async ({ c, caller, params, once }) => {
    const { thread_id, run_id } = params;
    const before = await holdfast.runPicture(caller, thread_id, run_id);
    if (hasEnded(stateOf(before).status)) throw cannotCancel(stateOf(before).status);
    await holdfast.cancelRun(caller, run_id, once);
    const { status } = stateOf(await holdfast.runPicture(caller, thread_id, run_id));
    // It may have ended otherwise in between.
    if (hasEnded(status) && status !== 'cancelled') throw cannotCancel(status);
    return c.json(style.show(factsOf(before), { ...stateOf(before), status: 'cancelling' }));
  });
}

/** `POST /threads/{thread_id}/runs/{run_id}`: a run's metadata. */
export function mountModifyRun(mount: Mount, holdfast: AssistantsCore, style: RunStyle): void {
  const runView = viewIn(style);
  mount(
    { method: 'post', path: ONE, scope: 'runs:write', body: 'ModifyRunRequest' },
    async ({ c, caller, params, body }) => {
      const { thread_id, run_id } = params;
      const before = await holdfast.runPicture(caller, thread_id, run_id);
      if (body.metadata === undefined) return c.json(runView(before));
      await holdfast.updateRun(caller, run_id, { metadata: readMetadata(body.metadata) });
      return c.json(runView(await holdfast.runPicture(caller, thread_id, run_id)));
    },
  );
}

const cannotCancel = (status: string) => refusal(`Cannot cancel run with status '${status}'.`);

const viewIn = (style: RunStyle) => (picture: RunPicture) => style.show(factsOf(picture), stateOf(picture));

/** Creates the run that the body asks for, by its name where it has one, and answers it. */
export async function createOnThread(
  holdfast: AssistantsCore,
  { c, caller, params, body, once }: Asked<typeof ALL, 'CreateRunRequest'>,
  style: RunStyle,
  alias?: RunAlias,
): Promise<Response> {
  readQuery(c, []);
  const input = { ...(await readRun(holdfast, caller, body)), ...(alias ? { alias } : {}) };
  const stream = body.stream === true;
  return await create(holdfast, c, caller, style, { threadId: params.thread_id, input, once, stream });
}

/** Answers the run as it was accepted, or with its stream. */
async function create(
  holdfast: AssistantsCore,
  c: Context<ApiEnv>,
  caller: Caller,
  { show, expiresAfterS }: RunStyle,
  asked: { threadId: string | null; input: CreateRun; once: Idempotency | undefined; stream: boolean },
): Promise<Response> {
  if (asked.stream) requireScope(caller, 'runs:read');
  const input = { ...asked.input, ...(expiresAfterS === undefined ? {} : { expires_after_s: expiresAfterS }) };
  const { value, replayed } = await holdfast.createRun(caller, asked.threadId, input, asked.once);
  const picture = await readAccepted(() => holdfast.runPicture(caller, value.thread_id, value.run_id));
  const facts = factsOf(picture);
  if (!asked.stream) {
    // A key answers the first answer again; a name is of a run, which has gone on since.
    const again = replayed && asked.once === undefined;
    return c.json(show(facts, again ? stateOf(picture) : ACCEPTED));
  }
  const story = new RunStory(facts, { show });
  const readThread = () => readAccepted(() => holdfast.getThread(caller, value.thread_id));
  const thread = asked.threadId === null ? await readThread() : undefined;
  const opening = [...(thread ? [{ event: 'thread.created', data: threadObject(thread) }] : []), ...story.opening()];
  return await readAccepted(() => streamRun(c, holdfast, caller, { story, opening, afterSeq: 0 }));
}
