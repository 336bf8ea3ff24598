/** A rolling upgrade apart: two versions serve together on one database and one queue, under load, and nothing fails at either. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import { openLink, type TemporalLink } from '../../src/temporal/link.ts';
import { describeTaskQueue, type TaskQueue } from '../../src/temporal/task-queue.ts';
import { buildOf } from '../../worker/build.ts';
import { answerRequest, expectCompleted, parkRuns, postAsking } from '../process/parked-runs.ts';
import { wholeStory } from '../process/reader.ts';
import { type Cluster, openCluster } from '../support/cluster.ts';
import { checkHistory, types } from '../support/events.ts';
import { nextVersion, type Version } from '../support/later-version.ts';
import { onDatabase } from '../support/postgres-database.ts';
import { type Env, runHoldfast } from '../support/run-holdfast.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { startLoad } from './steady-load.ts';

const OLD = buildOf();
/** A worker that starts beside four other processes and their load, on two cores that may be slow. */
const WITHIN_MS = 40_000;

let next: Version;
let old: Cluster;
let env: Env;
let link: TemporalLink;
const later: TestServer[] = [];
beforeAll(async () => {
  next = nextVersion();
  old = await openCluster({ apis: 1, workers: 1 });
  const { DATABASE_URL, TEMPORAL_ADDRESS, HOLDFAST_TASK_QUEUE } = (old.apis[0] as TestServer).env as Required<Env>;
  env = { DATABASE_URL, TEMPORAL_ADDRESS, HOLDFAST_TASK_QUEUE } as Env;
  link = openLink({
    ...{ namespace: 'default', log: createLog('silent') },
    address: Promise.resolve(TEMPORAL_ADDRESS as string),
  });
});
afterAll(async () => {
  for (const server of later) await server.close();
  await old.close();
  await link.close();
  next.remove();
});

async function start(command: 'api' | 'worker', main?: string): Promise<TestServer> {
  const server = await startServer({ command, env, ...(main === undefined ? {} : { main }) });
  later.push(server);
  return server;
}

const queue = () => describeTaskQueue(link, env.HOLDFAST_TASK_QUEUE as string);

async function untilQueue(isSo: (it: TaskQueue) => boolean, what: string): Promise<TaskQueue> {
  return await until(
    async () => {
      const now = await queue();
      return isSo(now) ? now : undefined;
    },
    what,
    WITHIN_MS,
  );
}

/** The old version's workers that have noted themselves, and when last. */
async function notedOld(): Promise<Map<string, number>> {
  const [row] = await onDatabase(
    env.DATABASE_URL as string,
    `select value from meta where key = 'worker.build.${OLD}'`,
  );
  return new Map(Object.entries(JSON.parse(String(row?.value)).processes as Record<string, number>));
}

const since = (began: number) => Math.round(performance.now() - began);
const isLater = (build: string | null) => build?.startsWith('0.2.0-') === true;

describe('a rolling upgrade', { timeout: 360_000 }, () => {
  it('migrates under load, serves with both, finishes on the next version what the one before began, and goes back', async () => {
    const [api] = old.apis as [TestServer];
    const [worker] = old.workers as [TestServer];
    const parked = await parkRuns(api);
    const load = startLoad(api);

    const { main } = next;
    const migrated = await runHoldfast(['migrate'], { cwd: api.cwd, env: api.env, main });
    expect(migrated).toMatchObject({ code: 0, stdout: 'migrated: 9000-later\n' });
    // The newer schema keeps nobody down who is started again.
    await worker.kill();
    await worker.restart();
    load.through(await start('api'));

    const started = performance.now();
    const laterWorker = await start('worker', main);
    const laterApi = await start('api', main);
    load.through(laterApi);
    await untilQueue((it) => isLater(it.current), 'the later version is given the tasks');
    console.log(`the later version is given the tasks ${since(started)} ms after its worker was started`);

    // An old worker that is started again while the later one is alive leaves it the queue.
    await worker.stop();
    const before = new Set((await notedOld()).keys());
    const restarted = performance.now();
    await worker.restart();
    const isNew = ([process]: [string, number]) => !before.has(process);
    const [process, first] = await until(
      async () => [...(await notedOld())].find(isNew),
      'the old worker is back',
      WITHIN_MS,
    );
    console.log(`the old worker is back ${since(restarted)} ms after it was started again`);
    await expectCompleted(laterApi, parked);
    const asking = await postAsking(laterApi);
    const looked = async () => ((await notedOld()).get(process) as number) > first;
    await until(looked, 'the old worker has looked again', WITHIN_MS);
    expect(isLater((await queue()).current)).toBe(true);

    await laterWorker.stop();
    const stopped = performance.now();
    await untilQueue((it) => it.current === OLD, 'the old version takes over');
    console.log(`SIGTERM of the last later worker: the old version is given the tasks after ${since(stopped)} ms`);
    await answerRequest(api, asking.run_id);
    const { events } = await wholeStory(api, asking.run_id, 60_000);
    checkHistory(events);
    expect(events.at(-1)?.type).toBe('run.completed');
    expect(types(events).filter((type) => type === 'turn.started')).toHaveLength(2);

    const { refused, accepted } = await load.stop();
    expect(refused).toEqual([]);
    expect(accepted.length).toBeGreaterThan(10);
    for (const run_id of accepted) {
      const story = await wholeStory(api, run_id, 60_000);
      checkHistory(story.events);
      expect(story.events.at(-1)?.type).toBe('run.completed');
    }
    console.log(`${accepted.length} runs were accepted meanwhile, and all completed`);
  });
});
