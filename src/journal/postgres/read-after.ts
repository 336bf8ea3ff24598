import { sql } from 'kysely';
import type { ReadDb, StoredEvent } from '../journal.ts';
import { MAX_BROUGHT } from '../watched-runs.ts';

/** The events of these runs after what is known of each, by run: more may have come than they were woken for. */
export async function readAfter(
  db: ReadDb,
  runs: { run_id: string; known: number }[],
): Promise<Map<string, StoredEvent[]>> {
  const ids = runs.map((run) => run.run_id);
  const known = runs.map((run) => run.known);
  const { rows } = await sql<StoredEvent & { run_id: string }>`
    select events.run_id, events.seq, events.type, events.data, events.created_at
    from unnest(${ids}::text[], ${known}::bigint[]) as woken (run_id, known)
    join events on events.run_id = woken.run_id and events.seq > woken.known and events.seq <= woken.known + ${MAX_BROUGHT}
    order by events.run_id, events.seq`.execute(db);
  return Map.groupBy(rows, (row) => row.run_id);
}
