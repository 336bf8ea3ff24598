/** Everything that is read of runs: rows, pictures, events. */
import { noRun, type RunRecord } from '../journal/run-row.ts';
import { pageRuns } from './cursor-pages.ts';
import type { RunPicture } from './dialect-types.ts';
import type { EventFeed, ReaderOptions, Stored } from './event-feed.ts';
import type { Holdfast } from './holdfast.ts';
import { invalidField } from './invalid-field.ts';
import { findRun, findThread, listRuns, pendingOf } from './lists.ts';
import { readLive } from './live.ts';
import { readMilestones } from './milestones.ts';
import type { HoldfastDeps } from './open-holdfast.ts';
import { partsOf, requestsOf, termsOf } from './run-picture.ts';
import type { Caller, PendingInput } from './types.ts';
import { runDetails, runRow } from './views.ts';

type Reads = 'listRuns' | 'getRun' | 'pageRuns' | 'runPicture' | 'listRequests' | 'milestones' | 'events' | 'follow';
type Deps = Pick<HoldfastDeps, 'journal' | 'engine' | 'file' | 'uiUrl'> & { feed: EventFeed };

export function readRuns({ journal: { db }, engine, file, uiUrl, feed }: Deps): Pick<Holdfast, Reads> {
  const detailsOf = (run: RunRecord, pending: PendingInput[]) =>
    runDetails(run, pending, file.credits_per_usd, {
      workflow_id: run.id,
      run_id: run.temporal_run_id,
      namespace: engine.link.namespace,
      ui_url: workflowUrl(uiUrl(), engine.link.namespace, run.id),
    });
  const pictureOf = async (known: RunRecord): Promise<RunPicture> => {
    const { run, standing, finish_reason } = await partsOf(db, known);
    return { run: detailsOf(run, []), terms: termsOf(run), standing, finish_reason };
  };
  /** What is stored of a run that a reader comes to. Errors: `runs.not_found`, `validation.failed` beyond its last event. */
  const storedAfter = async (caller: Caller, runId: string, afterSeq: number): Promise<Stored> => {
    const run = await findRun(db, caller.org_id, runId);
    if (afterSeq > run.last_seq) {
      throw invalidField('after_seq', `after_seq ${afterSeq} is beyond the run's last event, ${run.last_seq}.`);
    }
    return { last_seq: run.last_seq, ended: run.ended === 1 };
  };

  return {
    async listRuns(caller, filter, page) {
      const { items, more } = await listRuns(db, caller.org_id, filter, page);
      return { items: items.map((row) => runRow(row, file.credits_per_usd)), more };
    },
    async getRun(caller, runId, options) {
      const run = await findRun(db, caller.org_id, runId);
      const live = options?.live ? await readLive(engine, run) : undefined;
      const pending = run.ended ? [] : await pendingOf(db, caller.org_id, runId);
      const details = detailsOf(run, pending);
      return options?.live ? { ...details, live: live ?? null } : details;
    },
    async pageRuns(caller, threadId, page) {
      await findThread(db, caller.org_id, threadId);
      const { items, more } = await pageRuns(db, caller.org_id, threadId, page);
      return { items: await Promise.all(items.map(pictureOf)), more };
    },
    async runPicture(caller, threadId, runId) {
      const run = await findRun(db, caller.org_id, runId).catch(async (error) => {
        await findThread(db, caller.org_id, threadId);
        throw error;
      });
      if (run.thread_id === threadId) return await pictureOf(run);
      await findThread(db, caller.org_id, threadId);
      throw noRun(runId);
    },
    async listRequests(caller, runId) {
      return await requestsOf(db, await findRun(db, caller.org_id, runId));
    },
    async milestones(caller, runId, { upTo } = {}) {
      return await readMilestones(db, (await findRun(db, caller.org_id, runId)).id, upTo);
    },
    async events(caller, runId, options) {
      let atEnd = false;
      const body = await feed.read(readerOf(caller, runId, options), async () => {
        const run = await storedAfter(caller, runId, options.afterSeq);
        atEnd = run.ended && options.afterSeq === run.last_seq;
        return run;
      });
      return { atEnd, body };
    },
    follow: (caller, runId, options) =>
      feed.readEvents(readerOf(caller, runId, { ...options, follow: true }), () =>
        storedAfter(caller, runId, options.afterSeq),
      ),
  };
}

function readerOf(
  caller: Caller,
  runId: string,
  options: { afterSeq: number; follow: boolean; signal?: AbortSignal },
): ReaderOptions {
  const { afterSeq, follow, signal } = options;
  const reader = { org_id: caller.org_id, key_id: caller.key_id, run_id: runId, after_seq: afterSeq, follow };
  return signal ? { ...reader, signal } : reader;
}

function workflowUrl(uiUrl: string | null, namespace: string, workflowId: string): string | null {
  return uiUrl === null ? null : `${uiUrl}/namespaces/${namespace}/workflows/${workflowId}`;
}
