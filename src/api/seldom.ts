const EVERY_MS = 1_000;

/**
 * A function that may be called often and calls `say` at most once a second, with how many calls it stands for: a log that tells of
 * an overload must not add to it.
 */
export function atMostEverySecond<Args extends unknown[]>(
  say: (count: number, ...args: Args) => void,
  now = () => performance.now(),
): (...args: Args) => void {
  let saidAt = Number.NEGATIVE_INFINITY;
  let count = 0;
  return (...args) => {
    count++;
    if (now() - saidAt < EVERY_MS) return;
    saidAt = now();
    say(count, ...args);
    count = 0;
  };
}
