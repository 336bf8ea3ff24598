import type { RunRecord } from '../journal/run-row.ts';
import type { Engine } from '../temporal/engine.ts';
import type { LiveView } from './types.ts';

/** How long a reader of the live picture waits for Temporal. */
const LIVE_TIMEOUT_MS = 250;

/** What Temporal alone knows of an active run: turn and step, attempt, last failure, next retry; null when it is late. */
export async function readLive(engine: Engine, run: RunRecord): Promise<LiveView | null> {
  if (run.ended) return null;
  const late = new Promise<null>((resolve) => setTimeout(resolve, LIVE_TIMEOUT_MS, null).unref());
  const asked = Promise.all([engine.state(run.id), engine.describe(run.id)]).then(
    ([state, described]) => ({
      turn: state.turn,
      step: state.step,
      attempt: described.attempt,
      last_failure: described.last_failure,
      next_retry_at: described.next_retry_at,
    }),
    // Temporal away, or a workflow just closed: the live picture is an extra, and its absence says so.
    () => null,
  );
  return await Promise.race([asked, late]);
}
