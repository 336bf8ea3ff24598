/** The runs that rows are made of, and the bare workflows of as many steps. */
import type { Timed } from '../load/jobs.ts';
import type { Stage } from '../stage.ts';

/** Said at once, and what follows it too: the demo model has a pace of its own. */
const AT_ONCE = '/stream chunks=1 delay_ms=0';
/** One turn of one chunk. */
export const ONE_TURN = { input: AT_ONCE };
/** A turn that asks its person, a turn that ends. */
export const ASKS = `/ask ready?\n${AT_ONCE}`;
/** A turn that calls a tool, the call, a turn that ends. */
export const THREE_STEPS = { persona_id: 'tools', input: `/tool echo/say {"text":"hello"}\n${AT_ONCE}` };

/** The same with a tool that is soon over, which is no activity of its own in Temporal. */
const BRIEF_STEPS = { persona_id: 'tools', input: `/tool echo/brief {"text":"hello"}\n${AT_ONCE}` };

/** A run of Holdfast, and the bare workflow that has as many activities. */
export type Pair = { body: object; activities: number };
export const ONE: Pair = { body: ONE_TURN, activities: 1 };
export const THREE: Pair = { body: THREE_STEPS, activities: 3 };
export const THREE_BRIEF: Pair = { body: BRIEF_STEPS, activities: 3 };

export type Both = {
  holdfast(count: number, concurrency: number): Promise<Timed>;
  bare(count: number, concurrency: number): Promise<Timed>;
};

/** How runs and bare workflows are asked for on this stage. */
export async function both(stage: Stage, { body, activities }: Pair): Promise<Both> {
  const { url, key } = await stage.server();
  const { address, taskQueue } = await stage.bare();
  return {
    holdfast: (count, concurrency) => stage.load.ask('runs', { url, key, count, concurrency, body }),
    bare: (count, concurrency) => stage.load.ask('bare', { address, taskQueue, count, concurrency, activities }),
  };
}

/** Rounds of `count` each, one of Holdfast and one of bare workflows in turn, so that whatever else the machine does meets both. */
export async function inTurn(
  { holdfast, bare }: Both,
  { rounds, count, concurrency }: { rounds: number; count: number; concurrency: number },
): Promise<{ holdfast: Timed[]; bare: Timed[] }> {
  // The first ones warm up: code is compiled, connections are made.
  await holdfast(count, concurrency);
  await bare(count, concurrency);
  const ours: Timed[] = [];
  const theirs: Timed[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(await holdfast(count, concurrency));
    theirs.push(await bare(count, concurrency));
  }
  return { holdfast: ours, bare: theirs };
}

export const latenciesOf = (rounds: Timed[]): number[] => rounds.flatMap(({ latencies }) => latencies);

/** Of all rounds together, a second. */
export function rateOf(rounds: Timed[]): number {
  const done = rounds.reduce((sum, { latencies }) => sum + latencies.length, 0);
  return (done * 1_000) / rounds.reduce((sum, { elapsed }) => sum + elapsed, 0);
}
