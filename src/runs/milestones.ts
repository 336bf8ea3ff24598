/**
 * A run's events without its texts: what it did and in what order, in a few rows however much was said. Of an attempt that has no
 * `message.completed` the first piece of text stays, because that it said anything is all a reader can see of it.
 */
import type { ReadDb, StoredEvent } from '../journal/journal.ts';
import type { RunEvent } from './dialect-types.ts';
import { parseEvent } from './event-frames.ts';

const TEXTS = ['message.delta', 'reasoning.delta', 'tool.progress'];

/** The caller has found the run in its organisation. Events up to `upTo`, where it is given. */
export async function readMilestones(db: ReadDb, runId: string, upTo = Number.MAX_SAFE_INTEGER): Promise<RunEvent[]> {
  const rows: StoredEvent[] = await eventsOf(db, runId, upTo).where('type', 'not in', TEXTS).orderBy('seq').execute();
  const texts = await Promise.all(unfinished(rows, upTo).map(({ from, to }) => firstText(db, runId, from, to)));
  return [...rows, ...texts.flat()].sort((a, b) => a.seq - b.seq).map(parseEvent);
}

function eventsOf(db: ReadDb, runId: string, upTo: number) {
  return db
    .selectFrom('events')
    .select(['seq', 'type', 'data', 'created_at'])
    .where('run_id', '=', runId)
    .where('seq', '<=', upTo);
}

/** Where the texts of attempts lie that were not completed. */
function unfinished(rows: StoredEvent[], upTo: number): { from: number; to: number }[] {
  const turns = rows.filter((row) => row.type === 'turn.started' || row.type === 'message.completed');
  return turns.flatMap(({ type, seq }, i) => {
    const next = turns[i + 1];
    return type === 'message.completed' || next?.type === 'message.completed'
      ? []
      : [{ from: seq, to: next?.seq ?? upTo }];
  });
}

async function firstText(db: ReadDb, runId: string, from: number, to: number): Promise<StoredEvent[]> {
  return await eventsOf(db, runId, to)
    .where('seq', '>', from)
    .where('type', '=', 'message.delta')
    .orderBy('seq')
    .limit(1)
    .execute();
}
