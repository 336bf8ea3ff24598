/** What is done to whom, and when: made from the seed alone, so that a seed that failed can be played again. */
import { Random } from './random.ts';

export type FaultKind = 'kill' | 'freeze' | 'cut';

/** What can be struck: the processes of a form by name, and the readers' connections. */
export type Target = {
  name: string;
  weight: number;
  kinds: readonly FaultKind[];
  /** Targets of one unit share a process: only one of them is struck at a time. Default: the name. */
  unit?: string;
};

export type Fault = {
  /** From the beginning of the load. */
  atMs: number;
  kind: FaultKind;
  target: string;
  /** How long it stays dead or frozen. 0 for a cut. */
  forMs: number;
};

/** No fault before the load is under way. */
const FIRST_AT_MS = 3_000;
const PAUSE_MS = { from: 1_000, to: 6_000 };
/** Before and after one kill in three nothing else happens for as long as a recovery may take, so that it can be measured. */
const QUIET_MS = 9_000;
const QUIET_CHANCE = 0.33;
const DEAD_MS = { from: 100, to: 4_000 };
/** Longer than a heartbeat timeout at times: what comes back then must find that it was replaced. */
const FROZEN_MS = { from: 300, to: 9_000 };

/** The faults of a run of that length, in order. One target is struck again only when it is back. */
export function schedule(seed: number, durationMs: number, targets: readonly Target[]): Fault[] {
  const random = new Random(seed);
  const busyUntil = new Map<string, number>();
  const faults: Fault[] = [];
  for (let atMs = FIRST_AT_MS; ; ) {
    const target = random.weighted(targets);
    const kind = random.pick(target.kinds);
    const span = kind === 'kill' ? DEAD_MS : FROZEN_MS;
    const forMs = kind === 'cut' ? 0 : random.int(span.from, span.to);
    const quiet = kind === 'kill' && random.chance(QUIET_CHANCE) ? QUIET_MS : 0;
    const pause = random.int(PAUSE_MS.from, PAUSE_MS.to);
    atMs += quiet;
    if (atMs + forMs >= durationMs) return faults;
    const unit = target.unit ?? target.name;
    if ((busyUntil.get(unit) ?? 0) <= atMs) {
      faults.push({ atMs, kind, target: target.name, forMs });
      busyUntil.set(unit, atMs + forMs + PAUSE_MS.from);
    }
    atMs += quiet > 0 ? forMs + quiet : pause;
  }
}
