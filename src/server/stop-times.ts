/** How long each part of a process may take when it stops. All of it fits into the 10 s of the contract. */
import { setTimeout as delay } from 'node:timers/promises';
import type { HandoverTimes } from '../../activities/handover.ts';
import type { Config } from '../config.ts';
import type { Role } from './serve.ts';

/**
 * How long an API that others can take over from still answers, after it was told to stop: its `/readyz` says 503, and who balances between
 * APIs asks the others.
 */
const DRAIN_MS = 3_000;
/** Requests under way get this long when the server closes. */
export const API_GRACE_MS = 1_000;
/** What a worker has at work gets this long to end by itself; then the next worker begins it anew, or asks whether it acted. */
const HANDOVER_MS = 5_000;
/** The same for model turns, and tools that may be repeated, where there is no other worker: someone may wait at the terminal. */
const OWN_HANDOVER_MS = 2_000;

/** Tools with side effects get the full time in any form: what they cost when they are cut off is a person's word. */
export function handoverTimes(role: Role): HandoverTimes {
  return { repeatableMs: role === 'start' ? OWN_HANDOVER_MS : HANDOVER_MS, sideEffectsMs: HANDOVER_MS };
}

/** Waits until balancers can have drained this process; not at all where it is the only one, or whoever stopped it waits for it. */
export async function drained(config: Config, told: { at: number; othersTakeOver: boolean }): Promise<void> {
  // SQLite belongs to one process.
  if (!told.othersTakeOver || config.databaseUrl === undefined) return;
  await delay(Math.max(0, told.at + DRAIN_MS - Date.now()));
}
