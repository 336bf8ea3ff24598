/** How long a run stood still whose worker was killed: from the kill to its next event. */
import type { Struck } from '../strike.ts';
import type { Facts, StoredRun } from './facts.ts';

/** A run streams at a kill when its last event before it is not older. */
const STREAMING_MS = 1_500;

/** What comes so soon after the kill was not stopped by it. */
const UNTOUCHED_MS = 1_000;
/** What the schedule leaves quiet after a kill, less the time that striking takes. */
const QUIET_MS = 8_000;

/**
 * Milliseconds, sorted, from each kill of a worker to the next event of each run that streamed in it; where there is no other worker,
 * from its start. Kills beside which another fault was under way are left out: they say nothing of what one kill costs.
 */
export function recoveries({ runs, struck, hasSpare }: Facts): number[] {
  const victim = hasSpare ? 'worker' : 'server';
  return struck
    .filter(({ kind, target }) => kind === 'kill' && target.startsWith(victim))
    .filter((kill) => !struck.some((other) => other !== kill && isBeside(other, kill)))
    .flatMap((kill) => [...runs.values()].flatMap((run) => recoveryOf(run, kill, hasSpare ? kill.began : kill.ended)))
    .sort((a, b) => a - b);
}

/** What a stream does not depend on. */
const ELSEWHERE = /^(api|tools|readers)/;
const isBeside = (other: Struck, kill: Struck) =>
  !ELSEWHERE.test(other.target) && other.began < kill.ended + QUIET_MS && other.ended > kill.began - QUIET_MS;

function recoveryOf({ events }: StoredRun, { began }: Struck, from: number): number[] {
  const times = events.map((event) => Date.parse(event.created_at));
  const next = times.findIndex((time) => time > began);
  const before = next < 1 ? undefined : times[next - 1];
  if (before === undefined || began - before > STREAMING_MS || events[next - 1]?.type !== 'message.delta') return [];
  const at = times[next] ?? 0;
  return events[next]?.type === 'message.reset' || at - began > UNTOUCHED_MS ? [at - from] : [];
}

/** From a kill to the next event, with another worker alive: the design's bound. */
const RECOVERY_P99_MS = 8_000;

export function checkRecovery(facts: Facts): string[] {
  const p99 = percentile(recoveries(facts), 0.99) ?? 0;
  return facts.hasSpare && p99 > RECOVERY_P99_MS ? [`p99 from a kill to the next event is ${p99} ms`] : [];
}

/** The value below which that part of the sorted values is; undefined when there are none. */
export function percentile(sorted: readonly number[], part: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)];
}
