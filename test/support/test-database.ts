/** An empty database of the store that the test run is for, and its transactions one at a time. */
import { Kysely, SqliteDialect, sql } from 'kysely';
import { migrate } from '../../src/journal/migrate.ts';
import { connectionConfig, kyselyOn, Sessions } from '../../src/journal/postgres/connections.ts';
import type { Schema } from '../../src/journal/schema.ts';
import { asKyselyDatabase, openDatabase } from '../../src/journal/sqlite/database.ts';
import { createDatabase } from './postgres-database.ts';
import { STORE } from './test-journal.ts';

export type TestDatabase = {
  db: Kysely<Schema>;
  /** Refused, it leaves nothing behind. */
  transaction<T>(work: (trx: Kysely<Schema>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

export const openTestDatabase = (): Promise<TestDatabase> => (STORE === 'sqlite' ? openMemory() : openEmptied());

async function openMemory(): Promise<TestDatabase> {
  const sqlite = openDatabase(':memory:', 'writer');
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: asKyselyDatabase(sqlite) }) });
  await migrate(db);
  return {
    db,
    async transaction(work) {
      sqlite.exec('BEGIN IMMEDIATE');
      try {
        const value = await work(db);
        sqlite.exec('COMMIT');
        return value;
      } catch (error) {
        sqlite.exec('ROLLBACK');
        throw error;
      }
    },
    close: () => db.destroy(),
  };
}

/** One PostgreSQL database for a test file, which each of its tests finds empty. */
let shared: Promise<string> | undefined;

async function openEmptied(): Promise<TestDatabase> {
  shared ??= createDatabase();
  const db = kyselyOn(new Sessions(connectionConfig(await shared), CONNECTIONS, () => undefined));
  await migrate(db);
  for (const { name } of await db.introspection.getTables()) {
    await sql`delete from ${sql.table(name)}`.execute(db);
  }
  return {
    db,
    transaction: (work) => db.transaction().execute(work),
    close: () => db.destroy(),
  };
}

const CONNECTIONS = 3;
