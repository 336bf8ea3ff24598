/** What a piece of work takes, by clocks of any kind: the time, a process's CPU. */
type Clock = () => number;

/** Does the work, and says how far each clock went meanwhile, in the order of the clocks. */
export async function meanwhile<Clocks extends Clock[], T>(
  clocks: [...Clocks],
  work: () => Promise<T>,
): Promise<{ took: { [C in keyof Clocks]: number }; result: T }> {
  const before = clocks.map((clock) => clock());
  const result = await work();
  const took = clocks.map((clock, i) => clock() - (before[i] ?? Number.NaN)) as { [C in keyof Clocks]: number };
  return { took, result };
}
