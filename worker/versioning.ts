/**
 * Worker versions. Where workers of two versions of Holdfast may poll one task queue, Temporal gives its tasks to those of one build,
 * the newest that is alive, and every run goes on there at its next task (auto-upgrade): runs wait for people for weeks, and pinned
 * ones would keep their old workers as long. The workers see to it themselves: each notes in the journal that it is alive, and one
 * that is of the newest build makes it current. An old one that is started again in mid-rollout finds a newer one alive and leaves
 * things as they are; when all newer ones are gone, it takes over.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { WorkerDeploymentOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import { randomText } from '../src/ids.ts';
import type { Journal } from '../src/journal/journal.ts';
import { WORKER_GONE_MS } from '../src/journal/transactions/note-worker.ts';
import { pause } from '../src/pause.ts';
import { isUnreachable, type TemporalLink } from '../src/temporal/link.ts';
import {
  deploymentOf,
  describeTaskQueue,
  isForbidden,
  mayUseVersions,
  setCurrentBuild,
} from '../src/temporal/task-queue.ts';
import { newestBuild } from './build.ts';

/** How often a worker notes that it is alive, and looks whether its build is to be the current one. */
const NOTE_EVERY_MS = 5_000;
/** Temporal knows a build a moment after its first poll: so long it is tried at once again. */
const FIRST_TRIES_MS = 5_000;
const FIRST_TRY_EVERY_MS = 50;
/** A server on which a build cannot be made current for so long is used without versions, if none is current there. */
const GIVE_UP_MS = 15_000;
/** A worker that closes does not wait longer for the journal. */
const LEAVE_WITHIN_MS = 1_000;

export type Versioning = {
  /** What the worker is made with; undefined: it runs without a version, since the server knows none or forbids their use. */
  deployment(): Promise<WorkerDeploymentOptions | undefined>;
  /** Keeps the newest build current while our worker polls. `refused`: the worker is to be made again, without a version. */
  keep(refused: () => void): Kept;
};

export type Kept = {
  /** The worker takes no more tasks: others of older builds may. Waits for a second at most, and may be called again. */
  stop(): Promise<void>;
};

type Deps = { link: TemporalLink; taskQueue: string; journal: Journal; build: string; log: Logger };

export function openVersioning(deps: Deps): Versioning {
  const { link, taskQueue, build, log } = deps;
  const process = randomText(8);
  let without = false;
  return {
    async deployment() {
      if (!without && !(await mayUseVersions(link, taskQueue))) runWithout('The server knows no worker versions.');
      if (without) return undefined;
      const version = { deploymentName: deploymentOf(taskQueue), buildId: build };
      return { useWorkerVersioning: true, version, defaultVersioningBehavior: 'AUTO_UPGRADE' };
    },
    keep(refused) {
      const stopping = new AbortController();
      const kept = keepCurrent({ ...deps, process }, stopping.signal, (why) => {
        runWithout(why);
        refused();
      });
      return {
        async stop() {
          stopping.abort();
          const late = delay(LEAVE_WITHIN_MS, 'late', { ref: false });
          if ((await Promise.race([kept, late])) === 'late') log.warn('others wait until this worker counts as gone');
        },
      };
    },
  };

  function runWithout(why: string): void {
    without = true;
    log.warn(
      { why },
      'the worker runs without a version: stop the workers of one version before you start those of another',
    );
  }
}

async function keepCurrent(
  deps: Deps & { process: string },
  signal: AbortSignal,
  refused: (why: string) => void,
): Promise<void> {
  const { journal, build, process, log } = deps;
  const take = createTake(deps);
  let notedAt: number | undefined;
  while (!signal.aborted) {
    let wait = NOTE_EVERY_MS;
    try {
      // Who cannot reach Temporal is not alive to the others: they take over.
      const { current } = await describeTaskQueue(deps.link, deps.taskQueue);
      const noted = await journal.write('noteWorker', { build, process });
      // While Temporal or the journal was away others could not be noted either: they are not gone.
      const wasAway = notedAt !== undefined && performance.now() - notedAt > WORKER_GONE_MS;
      notedAt = performance.now();
      const isNewest = newestBuild(noted.filter(({ alive }) => alive)) === build;
      if (isNewest && !wasAway && current !== build) wait = await take(current);
    } catch (error) {
      if (error instanceof Refused) {
        refused(error.message);
        break;
      }
      log.warn({ build, error: (error as Error).message }, 'which build is to be current cannot be looked at');
    }
    await pause(wait, signal);
  }
  await journal
    .write('noteWorker', { build, process, gone: true })
    .catch((error: Error) => log.warn({ error: error.message }, 'others wait until this worker counts as gone'));
}

/** Worker versions cannot be used here. */
class Refused extends Error {}

/** Makes the build the current one; gives the pause until it is looked at again. Throws `Refused` where that will not be. */
function createTake({ link, taskQueue, build, log }: Deps): (current: string | null) => Promise<number> {
  let failingSince: number | undefined;
  return async (current) => {
    try {
      await setCurrentBuild(link, taskQueue, build);
      log.info({ build, before: current }, 'this build is given the tasks of all runs');
      failingSince = undefined;
      return NOTE_EVERY_MS;
    } catch (error) {
      if (isUnreachable(error)) throw error;
      const why = (error as Error).message;
      failingSince ??= performance.now();
      const failingMs = performance.now() - failingSince;
      // Workers without a version would be given tasks only where no build is current.
      if (isForbidden(error) || (failingMs > GIVE_UP_MS && current === null)) throw new Refused(why);
      if (failingMs <= FIRST_TRIES_MS) return FIRST_TRY_EVERY_MS;
      log.warn({ build, error: why }, 'the build is not the current one yet');
      return NOTE_EVERY_MS;
    }
  };
}
