/** Clients that do one task after another until they are told to stop. */
import { Random } from '../random.ts';
import { Actor } from './actor.ts';
import type { Case } from './case.ts';
import type { ChaosClient } from './chaos-client.ts';
import { scenarios } from './scenarios.ts';

export type Load = {
  cases: Case[];
  /** No further tasks; resolves when those under way have come to their end. */
  stop(): Promise<void>;
};

/** `clients` at a time; what the tasks are follows from the seed, when each comes from the time the ones before took. */
export function startLoad(client: ChaosClient, options: { seed: number; clients: number }): Load {
  const cases: Case[] = [];
  let stopped = false;
  const work = async (worker: number) => {
    const random = new Random(`${options.seed}/${worker}`);
    while (!stopped) {
      const scenario = random.weighted(scenarios);
      const actor = new Actor(`c${cases.length}`, scenario.name, client, new Random(`${random.next()}`));
      cases.push(actor.case);
      await scenario.act(actor).catch((error: Error) => {
        actor.case.failure = error.message;
      });
    }
  };
  const working = Promise.all(Array.from({ length: options.clients }, (_, i) => work(i)));
  return {
    cases,
    async stop() {
      stopped = true;
      await working;
    },
  };
}
