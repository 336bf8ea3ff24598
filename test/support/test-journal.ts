/** A real journal on the store that the test run is for: a SQLite file, or a PostgreSQL database of the directory's own. */
import { join } from 'node:path';
import { Kysely, SqliteDialect } from 'kysely';
import type { Journal } from '../../src/journal/journal.ts';
import { migrate } from '../../src/journal/migrate.ts';
import type { JournalMigration } from '../../src/journal/migrations/index.ts';
import { migratePostgres } from '../../src/journal/postgres/migrate-postgres.ts';
import { openPostgresJournal } from '../../src/journal/postgres/postgres-journal.ts';
import { asKyselyDatabase, openDatabase } from '../../src/journal/sqlite/database.ts';
import { openSqliteJournal } from '../../src/journal/sqlite/sqlite-journal.ts';
import { createDatabase, dropDatabase, onDatabase } from './postgres-database.ts';

/** `vitest.config.ts` says which. */
export const STORE = process.env.HOLDFAST_TEST_STORE === 'postgres' ? 'postgres' : 'sqlite';

export type TestJournal = Journal & {
  migrated: string[];
  /** From here on nothing can be written for want of room; `makeRoom` ends it. */
  fillDisk(): Promise<void>;
  makeRoom(): Promise<void>;
};

const PLENTY_OF_PAGES = 1_000_000;

/** Opens the journal of a directory; any number of times at once, as processes would. */
export async function openTestJournal(directory: string): Promise<TestJournal> {
  if (STORE === 'sqlite') {
    const journal = await openSqliteJournal({ path: join(directory, 'holdfast.db') });
    return {
      ...journal,
      fillDisk: () => journal.setMaxPages(1),
      makeRoom: () => journal.setMaxPages(PLENTY_OF_PAGES),
    };
  }
  const url = await databaseOf(directory);
  return {
    ...(await openPostgresJournal({ url })),
    fillDisk: async () => void (await onDatabase(url, ...FULL)),
    makeRoom: async () => void (await onDatabase(url, 'drop function disk_is_full cascade')),
  };
}

/** Runs a statement on a directory's journal, past all transactions; gives its rows. */
export async function executeIn(directory: string, statement: string): Promise<Record<string, unknown>[]> {
  if (STORE === 'postgres') return await onDatabase(await databaseOf(directory), statement);
  const sqlite = openDatabase(join(directory, 'holdfast.db'), 'writer');
  try {
    return sqlite.prepare(statement).all();
  } finally {
    sqlite.close();
  }
}

/** Migrates a directory's journal as a version of Holdfast would that has these migrations; gives the names of those that ran. */
export async function migrateAs(directory: string, all: Record<string, JournalMigration>): Promise<string[]> {
  if (STORE === 'postgres') return await migratePostgres(await databaseOf(directory), all);
  const sqlite = openDatabase(join(directory, 'holdfast.db'), 'writer');
  try {
    sqlite.exec('BEGIN IMMEDIATE');
    const ran = await migrate(new Kysely({ dialect: new SqliteDialect({ database: asKyselyDatabase(sqlite) }) }), all);
    sqlite.exec('COMMIT');
    return ran;
  } finally {
    sqlite.close();
  }
}

const databases = new Map<string, Promise<string>>();

/** The address of the directory's PostgreSQL database, which is made when it is first asked for. */
export function databaseOf(directory: string): Promise<string> {
  const url = databases.get(directory) ?? createDatabase();
  databases.set(directory, url);
  return url;
}

/** Ends what a directory's journal has outside of it. */
export async function removeDatabaseOf(directory: string): Promise<void> {
  const url = databases.get(directory);
  if (url) await dropDatabase(await url);
}

/** What PostgreSQL itself says when its disk is full, at the tables that grow most. */
const FULL = [
  `create function disk_is_full() returns trigger language plpgsql as $$
   begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$`,
  ...['runs', 'events', 'messages'].map(
    (table) => `create trigger disk_is_full before insert on ${table} execute function disk_is_full()`,
  ),
];
