/**
 * The order in which the runs of a grown store were created. A slot is a run's place in it, the oldest first. A hundred threads are at
 * work at a time and take turns, ten runs each, so that neither a thread's runs nor its messages lie side by side.
 */
import { idAt } from '../../src/ids.ts';

export const RUNS_A_THREAD = 10;
const THREADS_AT_A_TIME = 100;
const AT_A_TIME = THREADS_AT_A_TIME * RUNS_A_THREAD;
/** Between two runs; an ordinary day at 1,000,000 runs is then a twelfth of the store. */
const STEP_MS = 1_000;

export const STAMP_LENGTH = 10;

export type Slot = {
  slot: number;
  /** Which of its thread's runs it is, from 0. */
  place: number;
  /** When the run was created, and that time as ids begin with it. */
  ms: number;
  stamp: string;
  /** The same of its thread, which was created with its first run. */
  thread_stamp: string;
};

/** What is in a slot of a store of `count` runs, a multiple of 1,000, whose newest is older than `until` (ms). */
export function slotOf(slot: number, count: number, until: number): Slot {
  const begun = Math.floor(slot / AT_A_TIME) * AT_A_TIME;
  const place = Math.floor((slot - begun) / THREADS_AT_A_TIME);
  const first = begun + ((slot - begun) % THREADS_AT_A_TIME);
  const at = (which: number) => until - (count - which) * STEP_MS;
  return { slot, place, ms: at(slot), stamp: stampOf(at(slot)), thread_stamp: stampOf(at(first)) };
}

/** The time as an id begins with it, after its prefix. */
const stampOf = (ms: number) => idAt('run', ms).slice('run_'.length);
