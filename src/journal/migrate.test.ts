/** Migrations: versioned, run once, under a lock, also by several processes at once. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createArgs } from '../../test/support/clocked-journal.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { executeIn, openTestJournal, removeDatabaseOf } from '../../test/support/test-journal.ts';
import { migrations } from './migrations/index.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(async () => {
  await removeDatabaseOf(directory.path);
  directory.remove();
});

const open = () => openTestJournal(directory.path);

const ALL = Object.keys(migrations);

describe('a journal', () => {
  it('is brought to the newest version once and keeps what it holds', async () => {
    const first = await open();
    expect(first.migrated).toEqual(ALL);
    const { value } = await first.write('createRun', createArgs());
    await first.close();
    const again = await open();
    expect(again.migrated).toEqual([]);
    expect(await again.db.selectFrom('runs').select('id').execute()).toEqual([{ id: value.run_id }]);
    await again.close();
  });

  it('is migrated by one of several that open it at the same time', async () => {
    const opened = await Promise.all(Array.from({ length: 4 }, open));
    expect(opened.flatMap((journal) => journal.migrated)).toEqual(ALL);
    for (const journal of opened) await journal.write('createRun', createArgs());
    const first = opened[0];
    expect(await first?.db.selectFrom('runs').select('id').execute()).toHaveLength(opened.length);
    for (const journal of opened) await journal.close();
  });

  it('of a later version is refused and left as it is', async () => {
    await (await open()).close();
    const count = 'select count(*) as n from kysely_migration';
    await executeIn(
      directory.path,
      `insert into kysely_migration (name, timestamp) values ('9999-later', '2099-01-01')`,
    );
    await expect(open()).rejects.toMatchObject({ code: 'journal.too_new' });
    expect(await executeIn(directory.path, count)).toEqual([{ n: ALL.length + 1 }]);
  });
});

describe('what reads', () => {
  it('cannot write', async () => {
    const journal = await open();
    const write = journal.db.insertInto('meta').values({ key: 'by mistake', value: '' }).execute();
    await expect(write).rejects.toThrow(/read-?only/);
    expect(await journal.db.selectFrom('meta').selectAll().execute()).toEqual([]);
    await journal.close();
  });
});

describe('a journal that is closed', () => {
  it('refuses writes with journal.unavailable', async () => {
    const journal = await open();
    await journal.close();
    await expect(journal.write('createRun', createArgs())).rejects.toMatchObject({ code: 'journal.unavailable' });
  });
});
