import type { ContentPart } from '../../../models/types.ts';
import type { ThreadMessage } from '../../../runs/dialect-types.ts';
import { cutReason, type MessageReason, messageReason } from './outcome.ts';
import { assistantIdOf } from './run.ts';
import { unixSeconds } from './times.ts';

/** A message as it stands, finished or not. Times in milliseconds since 1970, or RFC 3339. */
export type MessageFacts = {
  id: string;
  thread_id: string;
  run_id: string | null;
  assistant_id: string | null;
  role: 'user' | 'assistant';
  content: ContentPart[];
  metadata: Record<string, string>;
  created_at: number | string;
  end: null | { at: number | string; incomplete: MessageReason | null };
};

export function messageObject({ end, ...message }: MessageFacts) {
  const { incomplete = null } = end ?? {};
  return {
    id: message.id,
    object: 'thread.message',
    created_at: unixSeconds(message.created_at),
    thread_id: message.thread_id,
    status: end === null ? 'in_progress' : incomplete ? 'incomplete' : 'completed',
    incomplete_details: incomplete ? { reason: incomplete } : null,
    completed_at: end && !incomplete ? unixSeconds(end.at) : null,
    incomplete_at: end && incomplete ? unixSeconds(end.at) : null,
    role: message.role,
    content: message.content.map(contentPart),
    assistant_id: message.assistant_id,
    run_id: message.run_id,
    attachments: [],
    metadata: message.metadata,
  };
}

/** A message of a thread's list. */
export function storedMessage({ run, began_at, status, finish_reason, ...message }: ThreadMessage) {
  const incomplete =
    status === 'incomplete' ? messageReason(run ?? { status: 'failed', error: null }) : cutReason(finish_reason);
  return messageObject({
    ...message,
    assistant_id: message.role === 'assistant' && run ? assistantIdOf(run.persona_id) : null,
    created_at: began_at ?? message.created_at,
    end: { at: message.created_at, incomplete },
  });
}

function contentPart(part: ContentPart) {
  if (part.type === 'text') return { type: 'text', text: { value: part.text, annotations: [] } };
  return { type: 'image_url', image_url: { detail: 'auto', ...part.image_url } };
}
