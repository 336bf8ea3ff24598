import type { Journal } from '../journal/journal.ts';
import type { StartRun } from './engine.ts';

/** What an active run's workflow is started with; undefined when the run has ended or is gone. */
export async function startOf(
  journal: Journal,
  { org_id, run_id }: { org_id: string; run_id: string },
): Promise<StartRun | undefined> {
  const run = await journal.db
    .selectFrom('runs')
    .select(['thread_id', 'persona_id', 'model', 'ended', 'epoch'])
    .where('id', '=', run_id)
    .where('org_id', '=', org_id)
    .executeTakeFirst();
  if (!run || run.ended) return undefined;
  const { thread_id, persona_id, model, epoch } = run;
  return { org_id, run_id, thread_id, epoch, persona: persona_id ?? 'none', model };
}
