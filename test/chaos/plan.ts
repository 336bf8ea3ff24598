/**
 * What a model is to do in a run, written into the run's input: the stub provider reads it there and keeps nothing itself, and the
 * oracle knows from it what must have been said.
 */

export type Call = { name: string; arguments: Record<string, unknown> };

/** One turn: words said, and tools called side by side; or the results of the calls so far said back. The last one calls nothing. */
export type Turn = { say?: number; delay_ms?: number; calls?: Call[] } | { echo: true };

export type Plan = { plan: string; turns: Turn[] };

const PLAN = /\{"plan":.*\}/s;

/** The plan in a text, if there is one. */
export function planIn(text: string): Plan | undefined {
  const json = PLAN.exec(text)?.[0];
  return json === undefined ? undefined : (JSON.parse(json) as Plan);
}

/** The chunks of turn `index` of a plan: each is another, so that one lost or told twice shows. */
export function chunksOf({ plan, turns }: Plan, index: number, results: readonly string[]): string[] {
  const turn = turns[index];
  if (turn === undefined) return [`${plan} has no turn ${index}`];
  if ('echo' in turn) return JSON.stringify(results).match(/.{1,24}/gsu) ?? [];
  return Array.from({ length: turn.say ?? 0 }, (_, i) => `${plan}.${index}.${i} `);
}
