/** What journal and Temporal are seen to disagree about. */
import { expect, it } from 'vitest';
import { checkHistory, eventsToEnd } from '../../test/support/events.ts';
import { createRun } from '../../test/support/run-client.ts';
import { openStack, type Stack } from '../../test/support/stack.ts';
import { until } from '../../test/support/until.ts';
import { TIMED_OUT_ATTEMPTS } from './agreement.ts';
import { connectedNow } from './link.ts';

/** Temporal's pauses between tries grow: half a minute for six. */
const TRIED_WITHIN_MS = 90_000;
/** Two sweeps and a half. */
const REBUILT_WITHIN_MS = 50_000;

it('a run whose task is taken again and again and never ended is rebuilt, and not before the last of so many tries', async () => {
  const standsStill = await openStack({ worker: false });
  await until(() => standsStill.link.current(), 'it reaches Temporal');
  const run = await createRun(standsStill, 'hello');
  const epoch = async () => await epochOf(standsStill, run);
  const end = Date.now() + TRIED_WITHIN_MS;
  for (let tried = 0; tried < TIMED_OUT_ATTEMPTS; ) {
    expect([tried, await epoch()]).toEqual([tried, 0]);
    tried = (await takeTask(standsStill, end)).attempt ?? tried;
  }
  await until(async () => (await epoch()) === 1, 'the run is rebuilt', REBUILT_WITHIN_MS);
  await standsStill.close({ keep: true });

  const { dataDir, taskQueue } = standsStill.config;
  const well = await openStack({ dataDir, taskQueue });
  checkHistory(await eventsToEnd(well, run));
  await well.close();
}, 200_000);

/** As a worker does that stands still from then on. */
async function takeTask({ link, config: { taskQueue } }: Stack, deadline: number) {
  const { connection } = connectedNow(link);
  const poll = { namespace: 'default', taskQueue: { name: taskQueue }, identity: 'stands still' };
  return await connection.withDeadline(deadline, () => connection.workflowService.pollWorkflowTaskQueue(poll));
}

async function epochOf({ journal: { db } }: Stack, run: string): Promise<number> {
  return (await db.selectFrom('runs').select('epoch').where('id', '=', run).executeTakeFirstOrThrow()).epoch;
}
