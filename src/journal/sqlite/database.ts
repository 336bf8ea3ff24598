/** node:sqlite behind the few methods that Kysely's SqliteDialect asks for, with prepared statements kept. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { SqliteDatabase, SqliteStatement } from 'kysely';

/** How long a statement waits for a lock held by another process (`keys`, `migrate` beside the server). */
export const BUSY_TIMEOUT_MS = 5_000;
/** Statements kept prepared; the oldest is dropped beyond it. */
const MAX_PREPARED = 500;

/**
 * Opens a journal file. The writer creates it in WAL mode with `synchronous=FULL` (durable through a power cut);
 * a reader opens it read-only.
 */
export function openDatabase(path: string, mode: 'writer' | 'reader'): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: mode === 'reader', timeout: BUSY_TIMEOUT_MS });
  if (mode === 'writer') db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000');
  db.exec('PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY');
  return db;
}

/** What Kysely's SqliteDialect takes as its database. */
export function asKyselyDatabase(db: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>();
  return {
    close: () => db.close(),
    prepare(sql) {
      const known = prepared.get(sql);
      if (known) return known;
      const statement = asKyselyStatement(db.prepare(sql));
      prepared.set(sql, statement);
      if (prepared.size > MAX_PREPARED) prepared.delete(prepared.keys().next().value as string);
      return statement;
    },
  };
}

function asKyselyStatement(statement: StatementSync): SqliteStatement {
  const bind = (parameters: readonly unknown[]) => parameters as SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...bind(parameters)),
    run: (parameters) => statement.run(...bind(parameters)),
    iterate: (parameters) => statement.iterate(...bind(parameters)),
  };
}
