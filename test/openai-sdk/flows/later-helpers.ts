/** What the stream helpers of later majors do and major 4's does not. */
import { expect } from 'vitest';
import type { Flows } from '../support/suite.ts';
import { all, begin } from './dialogue.ts';

/** Since major 6 `thread.run.incomplete` gives a final run. */
export const incompleteHelperFlows: Flows = {
  async 'finalRun gives a run that met its token limit'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/stream chunks=400 delay_ms=0');
    const run = await sdk.stream(thread, { assistant_id, max_completion_tokens: 256 }).finalRun();
    expect(run).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_completion_tokens' } });
    expect(await sdk.getRun(thread, run.id)).toEqual(run);
  },
};

/** Since major 7 a terminal event replaces the snapshot that the deltas made. */
export const finalObjectFlows: Flows = {
  async 'finalMessages gives the messages that are listed'({ sdk }) {
    const { assistant_id, thread } = await begin(sdk, '/stream chunks=20 delay_ms=2');
    const stream = sdk.stream(thread, { assistant_id });
    const run = await stream.finalRun();
    expect(await stream.finalMessages()).toEqual(await all(sdk.listMessages(thread, { run_id: run.id })));
    expect(await stream.finalRunSteps()).toEqual(await all(sdk.listSteps(thread, run.id, { order: 'asc' })));
  },
};
