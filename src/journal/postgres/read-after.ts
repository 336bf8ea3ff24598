import type { StoredEvent } from '../journal.ts';
import { MAX_BROUGHT } from '../watched-runs.ts';
import type { Sessions } from './connections.ts';

const READ_AFTER = `
select events.run_id, events.seq, events.type, events.data, events.created_at
from unnest($1::text[], $2::bigint[]) as woken (run_id, known)
join events on events.run_id = woken.run_id and events.seq > woken.known and events.seq <= woken.known + ${MAX_BROUGHT}
order by events.run_id, events.seq`;

/** The events of these runs after what is known of each, by run: more may have come than they were woken for. */
export async function readAfter(
  readers: Sessions,
  runs: { run_id: string; known: number }[],
): Promise<Map<string, StoredEvent[]>> {
  const session = await readers.take();
  try {
    const parameters = [runs.map((run) => run.run_id), runs.map((run) => run.known)];
    const { rows } = await session.query<StoredEvent & { run_id: string }>(READ_AFTER, parameters, 'read-after');
    return Map.groupBy(rows, (row) => row.run_id);
  } finally {
    session.release();
  }
}
