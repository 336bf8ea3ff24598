/**
 * The fastest of up to `rounds` measurements, in milliseconds; none is made after one that took less than `enoughMs`. A busy machine holds
 * up one of them or another, what is slow by itself each.
 */
export async function fastestOf(rounds: number, enoughMs: number, measure: () => Promise<number>): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds && fastest >= enoughMs; round++) fastest = Math.min(fastest, await measure());
  return fastest;
}
