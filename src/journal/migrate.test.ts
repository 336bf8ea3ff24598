/** Migrations: versioned, run once, under a lock, also by several processes at once, and beside servers of the version before. */
import type { Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createArgs } from '../../test/support/clocked-journal.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { executeIn, migrateAs, openTestJournal, removeDatabaseOf } from '../../test/support/test-journal.ts';
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
});

describe('a journal of a later version', () => {
  const up = async (db: Kysely<never>) => {
    await db.schema
      .alterTable('runs')
      .addColumn('later', 'text', (c) => c.notNull().defaultTo('x'))
      .execute();
  };
  const later = (besideOlder: boolean) => ({ ...migrations, '9998-later': { up, besideOlder } });
  const last = { up: async () => undefined, besideOlder: true };

  it('is opened, and left as it is, where the later version said that it may be', async () => {
    await (await open()).close();
    expect(await migrateAs(directory.path, later(true))).toEqual(['9998-later']);
    const older = await open();
    expect(older.migrated).toEqual([]);
    const { value } = await older.write('createRun', createArgs());
    expect(await older.db.selectFrom('runs').select('id').execute()).toEqual([{ id: value.run_id }]);
    await older.close();
    expect(await migrateAs(directory.path, later(true))).toEqual([]);
  });

  it('goes on taking what an older one writes that has it open while it is migrated', async () => {
    const older = await open();
    await older.write('createRun', createArgs());
    await older.db.selectFrom('runs').selectAll().execute();
    await migrateAs(directory.path, later(true));
    await older.write('createRun', createArgs());
    expect(await older.db.selectFrom('runs').selectAll().execute()).toHaveLength(2);
    await older.close();
  });

  it('is refused, and left as it is, where it cannot be', async () => {
    await (await open()).close();
    await migrateAs(directory.path, { ...later(false), '9999-last': last });
    await expect(open()).rejects.toMatchObject({ code: 'journal.too_new' });
    const count = 'select count(*) as n from kysely_migration';
    expect(await executeIn(directory.path, count)).toEqual([{ n: ALL.length + 2 }]);
  });

  it('is refused where it does not say', async () => {
    await (await open()).close();
    const unsaid = `insert into kysely_migration (name, timestamp) values ('9999-later', '2099-01-01')`;
    await executeIn(directory.path, unsaid);
    await executeIn(directory.path, `delete from meta where key = 'journal.needed_migration'`);
    await expect(open()).rejects.toMatchObject({ code: 'journal.too_new' });
  });
});

describe('what reads', () => {
  it('cannot write', async () => {
    const journal = await open();
    const write = journal.db.insertInto('meta').values({ key: 'by mistake', value: '' }).execute();
    await expect(write).rejects.toThrow(/read-?only/);
    expect(await journal.db.selectFrom('meta').selectAll().where('key', '=', 'by mistake').execute()).toEqual([]);
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
