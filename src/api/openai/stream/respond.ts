import type { Context } from 'hono';
import type { RunEvent } from '../../../runs/dialect-types.ts';
import type { Caller } from '../../../runs/types.ts';
import type { ApiEnv } from '../../env.ts';
import { readerSignal, SSE_HEADERS } from '../../sse.ts';
import type { AssistantsCore } from '../core.ts';
import type { ErrorBody } from '../dialect.ts';
import { DONE, encodeFrame, type Frame, PING } from './frame.ts';
import type { RunStory } from './story.ts';

type Telling = { story: RunStory; opening: Frame[]; afterSeq: number };

/** Answers with the run's story after `afterSeq`, to the run's end or to what it asks of its client. */
export async function streamRun(
  c: Context<ApiEnv>,
  holdfast: AssistantsCore,
  caller: Caller,
  { story, opening, afterSeq }: Telling,
): Promise<Response> {
  const events = await holdfast.follow(caller, story.facts.id, { afterSeq, signal: readerSignal(c) });
  return c.body(storyStream(story, opening, events), 200, SSE_HEADERS);
}

/** What a reader is told when its stream ends before the story does: the server stops, or the key was revoked. */
const CLOSED: ErrorBody = {
  message: 'The server closed this stream; the run goes on. Poll the run, or stream its next step.',
  type: 'server_error',
  param: null,
  code: null,
};

/** The frames of a run's events as they come. */
export function storyStream(
  story: RunStory,
  opening: Frame[],
  events: ReadableStream<RunEvent[]>,
): ReadableStream<Uint8Array> {
  const reader = events.getReader();
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (opening.length > 0) controller.enqueue(encoder.encode(opening.map(encodeFrame).join('')));
    },
    async pull(controller) {
      let text = '';
      while (text === '') {
        const { done, value } = await reader.read();
        text = done ? encodeFrame({ event: 'error', data: { error: CLOSED } }) : told(story, value);
        if (text !== '') controller.enqueue(encoder.encode(text));
        if (done) return controller.close();
      }
      // After an answer the story is still over when a silence comes before its first event.
      if (text === PING || !story.over) return;
      controller.enqueue(encoder.encode(DONE));
      controller.close();
      await reader.cancel();
    },
    cancel: () => reader.cancel(),
  });
}

/** What these events are here, up to the story's end; an empty batch keeps the connection alive. */
function told(story: RunStory, events: RunEvent[]): string {
  if (events.length === 0) return PING;
  let text = '';
  for (const event of events) {
    text += story.take(event).map(encodeFrame).join('');
    if (story.over) break;
  }
  return text;
}
