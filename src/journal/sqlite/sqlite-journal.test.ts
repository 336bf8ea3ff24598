import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { openDatabase } from './database.ts';
import { openSqliteJournal } from './sqlite-journal.ts';

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

it('a journal file is in WAL mode and synced at each commit', async () => {
  const path = join(directory.path, 'holdfast.db');
  const journal = await openSqliteJournal({ path });
  const writer = openDatabase(path, 'writer');
  expect(writer.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' });
  expect(writer.prepare('pragma synchronous').get()).toEqual({ synchronous: 2 });
  writer.close();
  await journal.close();
});
