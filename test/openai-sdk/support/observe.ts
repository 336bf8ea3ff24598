/** What an SDK sees of a thread, as plain JSON: equal for every SDK that reads the same thread. */
import { all } from '../flows/dialogue.ts';
import type { Sdk } from './npm-sdk.ts';

export async function observe(sdk: Sdk, thread: string): Promise<unknown> {
  const runs = await all(sdk.listRuns(thread, { order: 'asc' }));
  return {
    thread: plain(await sdk.getThread(thread)),
    messages: plain(await all(sdk.listMessages(thread, { order: 'asc' }))),
    runs: plain(runs),
    steps: await Promise.all(
      runs.map(async (run) => plain(await all(sdk.listSteps(thread, run.id, { order: 'asc' })))),
    ),
  };
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
