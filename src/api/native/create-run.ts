import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import type { Holdfast } from '../../runs/holdfast.ts';
import { readAccepted } from '../../runs/read-accepted.ts';
import type { Caller, Created, CreateRun, Idempotency } from '../../runs/types.ts';
import { requireScope } from '../auth.ts';
import type { Mount } from '../endpoint.ts';
import type { ApiEnv } from '../env.ts';
import { readerSignal, streamEvents } from '../sse.ts';
import { noteReplay, REPLAYED_HEADER } from './answers.ts';
import { threadParam } from './path-params.ts';
import { CreatedOnThread, CreatedWithThread, NewRun } from './schemas/runs.ts';

const DESCRIPTION =
  'With `Accept: text/event-stream` the answer is the run’s event stream from its first event, which also needs the scope `runs:read`. The run goes on when the client leaves.';
const HEADERS = {
  ...REPLAYED_HEADER,
  'X-Run-Id': 'Of a streamed answer',
  'X-Thread-Id': 'Of a streamed answer',
};

/** `POST /v1/threads/{thread_id}/runs` and `POST /v1/runs`. */
export function mountCreateRun(mount: Mount, holdfast: Holdfast): void {
  mount(
    {
      method: 'post',
      path: '/v1/threads/{thread_id}/runs',
      scope: 'runs:write',
      id: 'createRunOnThread',
      tag: 'Runs',
      summary: 'Start a run on a thread',
      description: DESCRIPTION,
      params: threadParam,
      body: NewRun,
      bodyMayBeEmpty: true,
      answers: { 201: { description: 'It was accepted', json: CreatedOnThread, events: true, headers: HEADERS } },
      conflicts: ['threads.busy'],
    },
    async ({ c, caller, params, body, once }) =>
      await createRun(holdfast, c, caller, { threadId: params.thread_id, body, once }, ({ run_id, trace_id }) => ({
        run_id,
        trace_id,
      })),
  );

  mount(
    {
      method: 'post',
      path: '/v1/runs',
      scope: 'runs:write',
      id: 'createRun',
      tag: 'Runs',
      summary: 'Start a run on a new thread',
      description: DESCRIPTION,
      body: NewRun,
      bodyMayBeEmpty: true,
      answers: { 201: { description: 'It was accepted', json: CreatedWithThread, events: true, headers: HEADERS } },
    },
    async ({ c, caller, body, once }) =>
      await createRun(holdfast, c, caller, { threadId: null, body, once }, ({ run_id, thread_id, trace_id }) => ({
        run_id,
        thread_id,
        trace_id,
      })),
  );
}

async function createRun(
  holdfast: Holdfast,
  c: Context<ApiEnv>,
  caller: Caller,
  asked: { threadId: string | null; body: CreateRun; once: Idempotency | undefined },
  show: (created: Created) => object,
): Promise<Response> {
  const streamed = wantsEvents(c);
  if (streamed) requireScope(caller, 'runs:read');
  const created = noteReplay(c, await holdfast.createRun(caller, asked.threadId, asked.body, asked.once));
  if (!streamed) return c.json(show(created), 201);
  const options = { afterSeq: 0, follow: true, signal: readerSignal(c) };
  const stream = await readAccepted(() => holdfast.events(caller, created.run_id, options));
  c.header('X-Run-Id', created.run_id);
  c.header('X-Thread-Id', created.thread_id);
  return streamEvents(c, stream, 201);
}

function wantsEvents(c: Context<ApiEnv>): boolean {
  const supports = ['application/json', 'text/event-stream'];
  return accepts(c, { header: 'Accept', supports, default: 'application/json' }) === 'text/event-stream';
}
