import type { ThreadView } from '../../../runs/types.ts';
import { unixSeconds } from './times.ts';

export function threadObject(thread: ThreadView) {
  return {
    id: thread.id,
    object: 'thread',
    created_at: unixSeconds(thread.created_at),
    tool_resources: {},
    metadata: thread.metadata,
  };
}
