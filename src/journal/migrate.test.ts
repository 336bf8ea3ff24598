/** Migrations: versioned, run once, under a lock. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createArgs } from '../../test/support/clocked-journal.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { migrations } from './migrations/index.ts';
import { openDatabase } from './sqlite/database.ts';
import { openSqliteJournal } from './sqlite/sqlite-journal.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let path: string;
beforeEach(() => {
  directory = temporaryDirectory();
  path = join(directory.path, 'holdfast.db');
});
afterEach(() => directory.remove());

const ALL = Object.keys(migrations);

describe('a journal file', () => {
  it('is brought to the newest version once and keeps what it holds', async () => {
    const first = await openSqliteJournal({ path });
    expect(first.migrated).toEqual(ALL);
    const { value } = await first.write('createRun', createArgs());
    await first.close();
    const again = await openSqliteJournal({ path });
    expect(again.migrated).toEqual([]);
    expect(await again.db.selectFrom('runs').select('id').execute()).toEqual([{ id: value.run_id }]);
    await again.close();
  });

  it('is migrated by one of several that open it at the same time', async () => {
    const opened = await Promise.all(Array.from({ length: 4 }, () => openSqliteJournal({ path })));
    expect(opened.flatMap((journal) => journal.migrated)).toEqual(ALL);
    for (const journal of opened) await journal.write('createRun', createArgs());
    const first = opened[0];
    expect(await first?.db.selectFrom('runs').select('id').execute()).toHaveLength(opened.length);
    for (const journal of opened) await journal.close();
  });

  it('of a later version is refused and left as it is', async () => {
    await (await openSqliteJournal({ path })).close();
    const later = openDatabase(path, 'writer');
    later.exec(`insert into kysely_migration (name, timestamp) values ('9999-later', '2099-01-01')`);
    await expect(openSqliteJournal({ path })).rejects.toMatchObject({ code: 'journal.too_new' });
    expect(later.prepare('select count(*) as n from kysely_migration').get()).toEqual({ n: ALL.length + 1 });
    later.close();
  });

  it('is in WAL mode and synced at each commit', async () => {
    const journal = await openSqliteJournal({ path });
    const writer = openDatabase(path, 'writer');
    expect(writer.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(writer.prepare('pragma synchronous').get()).toEqual({ synchronous: 2 });
    writer.close();
    await journal.close();
  });
});

describe('a journal that is closed', () => {
  it('refuses writes with journal.unavailable', async () => {
    const journal = await openSqliteJournal({ path });
    await journal.close();
    await expect(journal.write('createRun', createArgs())).rejects.toMatchObject({ code: 'journal.unavailable' });
  });
});
