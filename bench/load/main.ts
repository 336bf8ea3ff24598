/** The load generator, a process of its own: takes jobs from its parent, one at a time, and answers with what it measured. */
import { bare, parkBare, signalBare } from './bare-workflows.ts';
import { deltas } from './deltas.ts';
import { fanOut } from './fan-out.ts';
import { begin, endHeld, heldNow, hold, letGo } from './held-readers.ts';
import type { Jobs } from './jobs.ts';
import { answer, asking, park } from './parked.ts';
import { startProvider } from './provider.ts';
import { creates, requests, watch } from './requests.ts';
import { cancels, runs, steady } from './runs.ts';

let provider: Promise<{ url: string }> | undefined;

const jobs: Jobs = {
  provider: () => {
    provider ??= startProvider();
    return provider;
  },
  ...{ runs, cancels, steady, deltas },
  ...{ bare, parkBare, signalBare },
  ...{ requests, watch, creates },
  ...{ park, answer, asking },
  ...{ fanOut, begin, hold, letGo, heldNow, endHeld },
};

process.on('message', async ({ job, args }: { job: keyof Jobs; args: never }) => {
  try {
    process.send?.({ result: await jobs[job](args) });
  } catch (error) {
    process.send?.({ error: (error as Error).stack });
  }
});
process.once('disconnect', () => process.exit());
