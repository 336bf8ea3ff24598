/** What `holdfast doctor` finds where journal and Temporal disagree about runs, and how it mends that. */
import { setTimeout as delay } from 'node:timers/promises';
import { eachAtATime } from '../at-a-time.ts';
import type { Journal } from '../journal/journal.ts';
import { createLog } from '../log.ts';
import { type Disagreement, lookAtRun, lookAtWorkflows } from '../temporal/agreement.ts';
import type { Engine } from '../temporal/engine.ts';
import { createSettle, SECOND_LOOK_MS } from '../temporal/settle.ts';
import type { Finding } from './doctor.ts';

/** Runs that are looked at, at the same time. */
const LOOKS_AT_A_TIME = 16;
/** A run whose last event is as recent as this may just be ending. */
const SETTLES_WITHIN_MS = 2_000;
/** How long a mended run may take to be in agreement: its workflow may have to be replayed, and to close. */
const MENDED_WITHIN_MS = 15_000;

type Deps = { journal: Journal; engine: Engine };

/**
 * Compares every active run with its workflow, and every running workflow of the task queue with its run. A finding for each that
 * disagrees; with `repair` it is mended and looked at again, and is `ok` once they agree.
 */
export async function agreementFindings(deps: Deps, options: { repair: boolean }): Promise<Finding[]> {
  try {
    return await compare(deps, options);
  } catch (error) {
    const says = `Not compared: ${(error as Error).message}`;
    return [{ check: 'agreement', ok: false, says, todo: 'See that Temporal and its visibility store answer.' }];
  }
}

async function compare(deps: Deps, { repair }: { repair: boolean }): Promise<Finding[]> {
  const { found, looked } = await lookTwice(deps);
  if (found.length === 0) return [{ check: 'agreement', ok: true, says: `${looked}; journal and Temporal agree` }];
  if (!repair) return found.map((it) => ({ ...sayOf(it), ok: false, todo: REPAIR }));
  const settle = createSettle({ ...deps, log: createLog('silent'), mayRebuild: async () => true });
  const mended: Finding[] = [];
  for (const it of found) {
    await settle.mend(it);
    const ok = await agrees(deps, it);
    const { says } = sayOf(it);
    mended.push({
      check: 'agreement',
      ok,
      says: `${says}: ${ok ? 'mended' : 'not mended yet'} (${WORDS[it.mend.by]})`,
      ...(ok ? {} : { todo: 'See that a worker runs, and look again.' }),
    });
  }
  return mended;
}

const REPAIR = 'Mend it: `holdfast doctor --repair`.';

const WORDS: Record<Disagreement['mend']['by'], string> = {
  end: 'the run was ended',
  rebuild: 'the run is rebuilt from the journal',
  replace: 'its workflow is replaced by one from the journal',
  restart: 'its workflow is replaced by one from the journal',
  wake: 'its workflow was told again what was answered',
  close: 'its workflow was closed',
};

const sayOf = ({ run_id, journal, temporal }: Disagreement): Finding => ({
  check: 'agreement',
  ok: false,
  says: `${run_id}: the journal says ${journal}, Temporal says ${temporal}`,
});

/** What is still wrong a moment later: in between, a step that was just ending has ended. */
async function lookTwice(deps: Deps): Promise<{ found: Disagreement[]; looked: string }> {
  const first = await look(deps);
  if (first.found.length === 0) return first;
  await delay(SECOND_LOOK_MS);
  const found: Disagreement[] = [];
  await eachAtATime(first.found, LOOKS_AT_A_TIME, async (it) => {
    const wrong = await lookAgain(deps, it);
    if (wrong) found.push(wrong);
  });
  return { ...first, found: found.sort(byRun) };
}

async function look({ journal, engine }: Deps): Promise<{ found: Disagreement[]; looked: string }> {
  const active = await journal.db
    .selectFrom('runs')
    .select(['org_id', 'id as run_id'])
    .where('ended', '=', 0)
    .orderBy('id')
    .execute();
  const found: Disagreement[] = [];
  const log = createLog('silent');
  await eachAtATime(active, LOOKS_AT_A_TIME, async (run) => {
    const wrong = await lookAtRun({ journal, engine, log }, run, { ask: true });
    if (wrong) found.push(wrong);
  });
  const running = await engine.listRunning();
  found.push(...(await lookAtWorkflows({ journal, engine }, running.keys(), Date.now() - SETTLES_WITHIN_MS)));
  return { found: found.sort(byRun), looked: `${active.length} active runs, ${running.size} running workflows` };
}

const byRun = (a: Disagreement, b: Disagreement) => (a.run_id < b.run_id ? -1 : 1);

async function lookAgain(deps: Deps, found: Disagreement): Promise<Disagreement | undefined> {
  if (found.mend.by !== 'close') return await lookAtRun({ ...deps, log: createLog('silent') }, found, { ask: true });
  return (await lookAtWorkflows(deps, [found.run_id], Date.now() - SETTLES_WITHIN_MS))[0];
}

async function agrees(deps: Deps, found: Disagreement): Promise<boolean> {
  const until = Date.now() + MENDED_WITHIN_MS;
  for (;;) {
    if (!(await lookAgain(deps, found))) return true;
    if (Date.now() > until) return false;
    await delay(SECOND_LOOK_MS);
  }
}
