import type { Context } from 'hono';
import type { Holdfast } from '../../runs/holdfast.ts';
import type { Mount } from '../endpoint.ts';
import type { ApiEnv } from '../env.ts';
import { readerSignal, SSE_HEADERS, streamEvents } from '../sse.ts';
import { invalid } from '../validation.ts';
import { runParam } from './path-params.ts';
import { EventsQuery, Seq } from './schemas/events.ts';

/** `GET /v1/runs/{run_id}/events`. */
export function mountEvents(mount: Mount, holdfast: Holdfast): void {
  mount(
    {
      method: 'get',
      path: '/v1/runs/{run_id}/events',
      scope: 'runs:read',
      id: 'readEvents',
      tag: 'Runs',
      summary: 'Read a run’s events, and follow them until it ends',
      description: 'Resumes at any time, also long after the run’s end. A position beyond the last event is refused.',
      params: runParam,
      query: EventsQuery,
      headers: { 'Last-Event-ID': 'Resume after this event, as browsers ask; `after_seq` wins.' },
      answers: {
        200: { description: 'Server-sent events', events: true },
        204: { description: 'A reader that came with `Last-Event-ID` has read everything of a run that ended' },
      },
    },
    async ({ c, caller, params, query }) => {
      const lastEventId = readLastEventId(c);
      const afterSeq = query.after_seq ?? lastEventId ?? 0;
      if (c.req.method === 'HEAD') {
        await holdfast.getRun(caller, params.run_id);
        return c.body(null, 200, SSE_HEADERS);
      }
      const stream = await holdfast.events(caller, params.run_id, {
        afterSeq,
        follow: query.follow,
        signal: readerSignal(c),
      });
      // A browser reconnects whenever a stream ends; only 204 stops it.
      if (stream.atEnd && query.after_seq === undefined && lastEventId !== undefined) {
        await stream.body.cancel();
        return c.body(null, 204);
      }
      return streamEvents(c, stream);
    },
  );
}

function readLastEventId(c: Context<ApiEnv>): number | undefined {
  const header = c.req.header('last-event-id');
  if (header === undefined || c.req.query('after_seq') !== undefined) return undefined;
  const seq = Seq.safeParse(header);
  if (seq.success) return seq.data;
  throw invalid(seq.error.issues.map(({ message }) => ({ path: 'Last-Event-ID', message })));
}
