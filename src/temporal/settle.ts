/** What becomes of a run about which journal and Temporal disagree: decided by Temporal's own store, asked twice before a workflow is replaced. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Journal } from '../journal/journal.ts';
import { type Disagreement, type LookOptions, lookAtRun } from './agreement.ts';
import type { Engine } from './engine.ts';
import { startOf } from './start-of.ts';

/** Pause between the two looks that must agree before a workflow is started in the place of another. */
export const SECOND_LOOK_MS = 1_000;

export type Settled = 'fine' | 'ended' | 'rebuilt' | 'woken' | 'closed' | 'held';

export type Settle = {
  /** Looks at an active run, and mends what is wrong. */
  run(run: { org_id: string; run_id: string }, options?: LookOptions): Promise<Settled>;
  /**
   * Mends what was found, by the journal's own transactions. `held`: the namespace is not the one the journal knows, and nothing is
   * started or closed in it.
   */
  mend(found: Disagreement): Promise<Settled>;
};

export function createSettle(deps: {
  journal: Journal;
  engine: Engine;
  log: Logger;
  mayRebuild: () => Promise<boolean>;
}): Settle {
  const { journal, engine, log } = deps;

  async function mend({ org_id, run_id, mend, ...said }: Disagreement): Promise<Settled> {
    const ref = { org_id, run_id };
    if (mend.by === 'end') {
      log.warn({ run_id, ...said }, 'the workflow of a run was ended from outside');
      await journal.write('finishRun', { ...ref, epoch: mend.epoch, as: mend.as });
      return 'ended';
    }
    if (!(await deps.mayRebuild())) return 'held';
    if (mend.by === 'wake') {
      log.warn({ run_id, ...said }, 'a workflow is told again what was answered');
      for (const request of mend.requests) await engine.signalInput(run_id, request);
      return 'woken';
    }
    if (mend.by === 'close') {
      log.warn({ run_id, ...said }, 'a workflow without an active run is closed');
      await (mend.stuck ? engine.terminate(run_id) : engine.cancel(run_id));
      return 'closed';
    }
    if (!(await journal.write('rebuildRun', { ...ref, epoch: mend.epoch }))) return 'fine';
    log.warn({ run_id, ...said, epoch: mend.epoch + 1 }, 'a run is rebuilt from the journal');
    // The old copy learns from the journal that another has its place, and closes; then the start finds room.
    if (mend.by === 'replace') await engine.cancel(run_id);
    // This one learns of nothing any more: what takes its place also ends it.
    if (mend.by === 'restart') {
      const start = await startOf(journal, ref);
      if (start) await engine.start(start, { instead: true });
    }
    return 'rebuilt';
  }

  return {
    mend,
    async run(run, options) {
      const found = await lookAtRun(deps, run, options);
      if (!found) return 'fine';
      if (found.mend.by === 'end') return await mend(found);
      await delay(SECOND_LOOK_MS);
      const again = await lookAtRun(deps, run, options);
      if (again?.mend.by !== found.mend.by || again.temporal !== found.temporal) return 'fine';
      return await mend(again);
    },
  };
}
