/** What a worker takes on at a time; the bare workers that the benchmark compares it with take as much. */

/** A waiting model stream costs little. */
export const MAX_ACTIVITIES = 1_000;
export const MAX_CACHED_WORKFLOWS = 1_000;
