/** Many at once on few threads, from two processes: whatever meets whatever, the journal is whole afterwards. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CALLER, createArgs, delta, ROUTE, turnOf } from '../../../test/support/clocked-journal.ts';
import { createDatabase, onDatabase } from '../../../test/support/postgres-database.ts';
import type { Journal } from '../journal.ts';
import { openPostgresJournal } from './postgres-journal.ts';

const ACTORS = 12;
const ACTS = 60;
const THREADS = 3;
/** What one may be told who comes too late; anything else is a defect. */
const REFUSALS = /^(threads\.(busy|not_found)|runs\.(not_active|not_found)|limits\.run_messages|steps\.superseded)$/;

let url: string;
let journals: [Journal, Journal];
beforeAll(async () => {
  url = await createDatabase();
  journals = [await openPostgresJournal({ url }), await openPostgresJournal({ url })];
});
afterAll(async () => {
  for (const journal of journals) await journal.close();
});

/** The same storm each time, as far as the database lets it (Park and Miller's generator). */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % sides;
  };
}

async function act(journal: Journal, threads: string[], roll: (sides: number) => number): Promise<void> {
  const place = roll(threads.length);
  const thread_id = threads[place] as string;
  const thread = { org_id: 'org_a', thread_id };
  const runs = journal.db.selectFrom('runs').select(['id', 'queued_input']).where('thread_id', '=', thread_id);
  const newest = await runs.orderBy('id', 'desc').limit(3).execute();
  const active = await journal.db
    .selectFrom('threads')
    .select('active_run_id')
    .where('id', '=', thread_id)
    .executeTakeFirst();
  const run_id = (roll(4) > 0 ? active?.active_run_id : newest[roll(3)]?.id) ?? '';
  const run = { org_id: 'org_a', run_id };
  const content = [{ type: 'text' as const, text: 'x' }];
  const acts: (() => Promise<unknown>)[] = [
    () => journal.write('createRun', createArgs({ thread_id })),
    () => journal.write('createRun', createArgs({ thread_id, on_busy: 'enqueue' })),
    () => journal.write('createRun', createArgs({ thread_id, on_busy: 'interrupt' })),
    () => journal.write('requestCancel', { caller: CALLER, run_id }),
    () => journal.write('finishRun', { ...run, epoch: 0, as: { status: 'cancelled', reason: 'storm' } }),
    () => journal.write('addRunMessage', { ...run, content }),
    () => journal.write('createMessage', { ...thread, role: 'user', content }),
    () => journal.write('claimIntents', { limit: 5 }),
    () => journal.write('expediteIntents', {}),
    async () => {
      await journal.write('deleteThread', thread);
      threads[place] = (await journal.write('createRun', createArgs())).value.thread_id;
    },
  ];
  const turn = async () => {
    const begun = await journal.write('beginTurn', { ...run, epoch: 0, turn: 1, route: ROUTE });
    if (!begun.begun) return;
    await journal.write('appendDeltas', { lease: begun.lease, events: [delta('a'), delta('b')] });
    await journal.write('completeTurn', turnOf(begun.lease, { message_id: begun.message_id }));
  };
  const queued = newest.some((one) => one.id === run_id && one.queued_input !== null);
  await (roll(2) === 0 && !queued ? turn : (acts[roll(acts.length)] as () => Promise<unknown>))();
}

it('a storm leaves every run whole, every thread with its run, and nothing stranded', async () => {
  const made = await Promise.all(Array.from({ length: THREADS }, () => journals[0].write('createRun', createArgs())));
  const threads = made.map(({ value }) => value.thread_id);
  const refused: string[] = [];
  const actor = async (_: unknown, i: number) => {
    const roll = dice(i + 1);
    for (let n = 0; n < ACTS; n++) {
      await act(journals[i % 2] as Journal, threads, roll).catch((error: { code?: string }) => {
        if (!REFUSALS.test(error.code ?? '')) throw error;
        refused.push(error.code ?? '');
      });
    }
  };
  await Promise.all(Array.from({ length: ACTORS }, actor));
  expect(refused).toContain('threads.busy');
  const ends = `('run.completed', 'run.failed', 'run.cancelled')`;
  const wrong: Record<string, string> = {
    gaps: `select run_id from events group by run_id having max(seq) <> count(*) or min(seq) <> 1`,
    'a last_seq that is not the last': `select id from runs
      where last_seq <> (select coalesce(max(seq), 0) from events where run_id = runs.id)`,
    'ends that are not one, or not the last': `select id from runs
      where ended <> (select count(*) from events where run_id = runs.id and type in ${ends})
      or ended = 1 and not exists (select 1 from events where run_id = runs.id and seq = last_seq and type in ${ends})`,
    'times that go back': `select 1 from
      (select created_at < lag(created_at) over (partition by run_id order by seq) as back from events) as times where back`,
    'threads held by nobody': `select t.id from threads t left join runs r on r.id = t.active_run_id
      where t.active_run_id is not null and (r.id is null or r.ended = 1)`,
    'queues that nobody will start': `select r.id from runs r join threads t on t.id = r.thread_id
      where r.ended = 0 and r.queued_input is not null and t.active_run_id is null`,
    'runs at work beside the one that has the thread': `select r.id from runs r left join threads t on t.id = r.thread_id
      where r.ended = 0 and r.queued_input is null and t.active_run_id is distinct from r.id`,
    'runs that nobody will start': `select id from runs where ended = 0 and queued_input is null and started_at is null
      and not exists (select 1 from outbox where run_id = runs.id and kind = 'start')`,
    'messages that no turn will take': `select m.id from run_messages m left join runs r on r.id = m.run_id
      where r.id is null or r.ended = 1`,
  };
  for (const [what, query] of Object.entries(wrong))
    expect({ [what]: await onDatabase(url, query) }).toEqual({ [what]: [] });
  const deadlocks = 'select deadlocks from pg_stat_database where datname = current_database()';
  expect(await onDatabase(url, deadlocks)).toEqual([{ deadlocks: 0 }]);
});
