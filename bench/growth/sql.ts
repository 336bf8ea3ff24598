/** A Holdfast's store while none runs on it, for statements that both kinds of store understand. */
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { journalPath } from '../../src/server/data-dir.ts';

/** A value of a row; PostgreSQL gives its `bigint` as text. */
export type Value = string | number | null;
export type Values = Record<string, Value>;

export type Sql = {
  /** One statement or several; the rows of the last. */
  run(statement: string): Promise<Values[]>;
  /** Leaves the store as one that has grown to its size: what a server that runs for long has done for itself. */
  settle(): Promise<void>;
  close(): Promise<void>;
};

const ROWS_A_STATEMENT = 500;

/** Opens a data directory or a database's address, so that much is written fast: until it is settled it does not outlive a crash. */
export function openSql(store: string): Promise<Sql> {
  return store.startsWith('postgres:') ? openPostgres(store) : openSqlite(store);
}

/** Inserts rows whose values are said in the statement. */
export async function insertRows(sql: Sql, table: string, rows: Values[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  for (let i = 0; i < rows.length; i += ROWS_A_STATEMENT) {
    const lines = rows.slice(i, i + ROWS_A_STATEMENT).map((row) => columns.map((name) => literal(row[name] ?? null)));
    await sql.run(`insert into ${table} (${columns}) values ${lines.map((line) => `(${line})`)}`);
  }
}

export function literal(value: Value): string {
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);
}

async function openSqlite(dataDir: string): Promise<Sql> {
  const db = new DatabaseSync(journalPath(dataDir));
  db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF');
  db.exec('PRAGMA cache_size=-524288; PRAGMA temp_store=MEMORY');
  return {
    run: async (statement) => db.prepare(statement).all() as Values[],
    // Holdfast never asks SQLite to look at its tables: its plans are made without.
    settle: async () => db.exec('PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL'),
    close: async () => db.close(),
  };
}

async function openPostgres(address: string): Promise<Sql> {
  const client = new Client(address);
  await client.connect();
  await client.query("set synchronous_commit = off; set work_mem = '256MB'");
  return {
    run: async (statement) => (await client.query(statement)).rows,
    // Autovacuum would come to it by itself, and the checkpoint, in the midst of what is measured.
    settle: async () => {
      await client.query('vacuum (analyze)');
      await client.query('checkpoint');
    },
    close: () => client.end(),
  };
}
