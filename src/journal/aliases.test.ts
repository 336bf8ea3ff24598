/** Aliases: one name of one thing, given in the transaction that makes the thing or sees it first. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CALLER, type ClockedJournal, createArgs, openClockedJournal } from '../../test/support/clocked-journal.ts';

let journal: ClockedJournal;
beforeEach(async () => {
  journal = await openClockedJournal();
});
afterEach(() => journal.close());

const OTHER = { ...CALLER, org_id: 'org_b' };
const named = { alias: { alias: 'mine', fingerprint: 'what was asked' } };

const aliases = async () =>
  (await journal.db.selectFrom('aliases').select(['org_id', 'kind', 'id', 'alias']).orderBy('alias').execute()).map(
    (row) => Object.values(row),
  );
const runs = async () => (await journal.db.selectFrom('runs').select('id').execute()).map(({ id }) => id);

describe('a run that its caller names', () => {
  it('is made with its name', async () => {
    const { value, replayed } = await journal.write('createRun', createArgs(named));
    expect(replayed).toBe(false);
    expect(await aliases()).toEqual([['org_a', 'run', value.run_id, 'mine']]);
  });

  it('is the same run when it is asked for again, also while it has its thread', async () => {
    const { value } = await journal.write('createRun', createArgs(named));
    const again = createArgs({ ...named, thread_id: value.thread_id, active_limit: 1 });
    expect(await journal.write('createRun', again)).toEqual({ value, replayed: true });
    expect(await runs()).toEqual([value.run_id]);
  });

  it('is refused when something else is asked for under its name', async () => {
    const { value } = await journal.write('createRun', createArgs(named));
    const other = createArgs({ alias: { alias: 'mine', fingerprint: 'something else' } });
    await expect(journal.write('createRun', other)).rejects.toMatchObject({ code: 'runs.name_taken' });
    expect(await runs()).toEqual([value.run_id]);
  });

  it('is refused under a name that the server gave', async () => {
    await journal.write('createRun', createArgs({ alias: { alias: 'mine' } }));
    await expect(journal.write('createRun', createArgs(named))).rejects.toMatchObject({ code: 'runs.name_taken' });
  });

  it('is refused under the name of a thread', async () => {
    await journal.write('createThread', { org_id: 'org_a', alias: 'mine' });
    await expect(journal.write('createRun', createArgs(named))).rejects.toMatchObject({ code: 'runs.name_taken' });
    expect(await runs()).toEqual([]);
  });

  it('may have the same name in another organisation', async () => {
    const mine = await journal.write('createRun', createArgs(named));
    const theirs = await journal.write('createRun', createArgs({ ...named, caller: OTHER }));
    expect(theirs.replayed).toBe(false);
    expect(await aliases()).toEqual([
      ['org_a', 'run', mine.value.run_id, 'mine'],
      ['org_b', 'run', theirs.value.run_id, 'mine'],
    ]);
  });

  it('leaves its name free when it is refused', async () => {
    const { thread_id } = await journal.create();
    const busy = createArgs({ ...named, thread_id });
    await expect(journal.write('createRun', busy)).rejects.toMatchObject({ code: 'threads.busy' });
    expect(await aliases()).toEqual([]);
    expect((await journal.write('createRun', createArgs(named))).replayed).toBe(false);
  });

  it('answers its Idempotency-Key as it answers its name', async () => {
    const once = { key: 'k1', fingerprint: 'POST' };
    const first = await journal.write('createRun', createArgs({ ...named, once }));
    const byName = await journal.write('createRun', createArgs(named));
    const byKey = await journal.write('createRun', createArgs({ ...named, once }));
    expect([byName, byKey]).toEqual(Array(2).fill({ value: first.value, replayed: true }));
  });
});

describe('aliases', () => {
  it('are given once: a thing that has one keeps it', async () => {
    const { run_id, thread_id } = await journal.create();
    const give = (alias: string) =>
      journal.write('giveAliases', { org_id: 'org_a', kind: 'run', things: [{ id: run_id, alias }] });
    expect(await give('first')).toEqual([{ id: run_id, alias: 'first' }]);
    expect(await give('second')).toEqual([{ id: run_id, alias: 'first' }]);
    const threads = [{ id: thread_id, alias: 'its thread' }];
    expect(await journal.write('giveAliases', { org_id: 'org_a', kind: 'thread', things: threads })).toEqual(threads);
  });

  it('are not given to what is another organisation’s, or to nothing', async () => {
    const { run_id, thread_id } = await journal.create();
    const persona = { org_id: 'org_a', key: 'mind', definition: '{}' };
    await journal.write('createPersona', persona);
    const things = [run_id, thread_id, 'mind', 'run_unknown'].map((id, i) => ({ id, alias: `alias ${i}` }));
    for (const kind of ['run', 'thread', 'persona'] as const) {
      expect(await journal.write('giveAliases', { org_id: 'org_b', kind, things })).toEqual([]);
    }
    expect(await journal.write('giveAliases', { org_id: 'org_a', kind: 'persona', things })).toEqual([
      { id: 'mind', alias: 'alias 2' },
    ]);
  });

  it('go with their thread, those of its runs too, and no others', async () => {
    const alias = (name: string) => ({ alias: { alias: `run ${name}` }, thread: { alias: `thread ${name}` } });
    const gone = await journal.write('createRun', createArgs(alias('gone')));
    const kept = await journal.write('createRun', createArgs(alias('kept')));
    const theirs = await journal.write('createRun', createArgs({ ...alias('gone'), caller: OTHER }));
    await journal.write('requestCancel', { caller: CALLER, run_id: gone.value.run_id });
    await journal.write('deleteThread', { org_id: 'org_a', thread_id: gone.value.thread_id });
    expect((await aliases()).sort()).toEqual([
      ['org_a', 'run', kept.value.run_id, 'run kept'],
      ['org_a', 'thread', kept.value.thread_id, 'thread kept'],
      ['org_b', 'run', theirs.value.run_id, 'run gone'],
      ['org_b', 'thread', theirs.value.thread_id, 'thread gone'],
    ]);
  });
});
