/** The two stores have one schema: what a migration makes in SQLite it makes in PostgreSQL. */
import { DatabaseSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, onDatabase } from '../../../test/support/postgres-database.ts';
import { migrate } from '../migrate.ts';
import type { Schema } from '../schema.ts';
import { asKyselyDatabase } from '../sqlite/database.ts';
import { openPostgresJournal } from './postgres-journal.ts';

type Column = { type: string; nullable: boolean; default: string | null };
type Index = { columns: string[]; unique: boolean; where: string };
type Table = {
  columns: Record<string, Column>;
  primaryKey: string[];
  uniqueConstraints: string[][];
  indexes: Record<string, Index>;
};
type Tables = Record<string, Table>;

let sqlite: Tables;
let postgres: Tables;
let url: string;
beforeAll(async () => {
  sqlite = await readSqlite();
  url = await createDatabase();
  await (await openPostgresJournal({ url })).close();
  postgres = await readPostgres(url);
});

describe('the schema of PostgreSQL', () => {
  it('has the tables of SQLite, and no other', () => {
    expect(Object.keys(sqlite)).toContain('runs');
    expect(Object.keys(postgres).sort()).toEqual(Object.keys(sqlite).sort());
  });

  it('has in each the same columns, keys, constraints and indexes', () => {
    for (const [name, table] of Object.entries(sqlite)) expect({ [name]: postgres[name] }).toEqual({ [name]: table });
  });

  it('has in no index of runs what every append changes: each would write all indexes of the row anew', () => {
    const { indexes, primaryKey } = postgres.runs as Table;
    const indexed = [primaryKey, ...Object.values(indexes).flatMap(({ columns, where }) => [columns, [where]])].flat();
    expect(indexed.join()).toContain('completed_at');
    expect(indexed.join()).not.toMatch(/last_seq|last_event_at/);
  });

  it('compares every text byte by byte, as SQLite does', async () => {
    const collations = await onDatabase(
      url,
      `select distinct collation_name from information_schema.columns
       where table_schema = 'public' and data_type = 'text' and table_name not like 'kysely%'`,
    );
    expect(collations).toEqual([{ collation_name: 'C' }]);
  });
});

async function readSqlite(): Promise<Tables> {
  const db = new DatabaseSync(':memory:');
  await migrate(new Kysely<Schema>({ dialect: new SqliteDialect({ database: asKyselyDatabase(db) }) }));
  const all = (sql: string) => db.prepare(sql).all() as Record<string, string | number | null>[];
  const names = all(`select name from sqlite_master where type = 'table' and name not like 'kysely%'`);
  return Object.fromEntries(
    names.map(({ name }) => {
      const columns = all(`pragma table_info(${name})`);
      const key = columns.filter((column) => Number(column.pk) > 0).sort((a, b) => Number(a.pk) - Number(b.pk));
      const indexes = all(`pragma index_list(${name})`);
      const columnsOf = (index: unknown) => all(`pragma index_info("${index}")`).map((one) => String(one.name));
      const made = indexes.filter((index) => index.origin === 'c');
      const table: Table = {
        columns: Object.fromEntries(
          columns.map((column) => [
            column.name,
            {
              type: String(column.type).toLowerCase(),
              nullable: column.notnull === 0 && column.pk === 0,
              default: column.dflt_value === null ? null : String(column.dflt_value),
            },
          ]),
        ),
        primaryKey: key.map((column) => String(column.name)),
        uniqueConstraints: indexes.filter((index) => index.origin === 'u').map((index) => columnsOf(index.name)),
        indexes: Object.fromEntries(
          made.map((index) => {
            const [row] = all(`select sql from sqlite_master where name = '${index.name}'`);
            const [, expression = '', condition = ''] = / on \S+ \((.*)\) where (.*)$/i.exec(String(row?.sql)) ?? [];
            const columns = columnsOf(index.name).map((column) => (column === 'null' ? plain(expression) : column));
            return [index.name, { columns, unique: index.unique === 1, where: plain(condition) }];
          }),
        ),
      };
      return [name, table];
    }),
  );
}

async function readPostgres(at: string): Promise<Tables> {
  const columns = await onDatabase(
    at,
    `select table_name, column_name, data_type, is_nullable = 'YES' as nullable, column_default
     from information_schema.columns where table_schema = 'public' and table_name not like 'kysely%'
     order by table_name, ordinal_position`,
  );
  const indexes = await onDatabase(
    at,
    `select rel.relname as table_name, idx.relname as name, i.indisunique as unique, coalesce(con.contype, '') as contype,
            coalesce(pg_get_expr(i.indpred, i.indrelid), '') as predicate,
            array(select pg_get_indexdef(i.indexrelid, place, true) from generate_series(1, i.indnkeyatts) as place) as columns
     from pg_index i
     join pg_class rel on rel.oid = i.indrelid join pg_class idx on idx.oid = i.indexrelid
     left join pg_constraint con on con.conindid = i.indexrelid
     where rel.relnamespace = 'public'::regnamespace and rel.relname not like 'kysely%' order by idx.relname`,
  );
  const tables: Tables = {};
  for (const row of columns) {
    tables[String(row.table_name)] ??= { columns: {}, primaryKey: [], uniqueConstraints: [], indexes: {} };
    const column = {
      ...{ type: String(row.data_type), nullable: row.nullable === true },
      default: row.column_default as string | null,
    };
    (tables[String(row.table_name)] as Table).columns[String(row.column_name)] = column;
  }
  for (const row of indexes) {
    const table = tables[String(row.table_name)] as Table;
    const names = (row.columns as string[]).map(plain);
    if (row.contype === 'p') table.primaryKey = names;
    else if (row.contype === 'u') table.uniqueConstraints.push(names);
    else {
      const where = plain(String(row.predicate));
      table.indexes[String(row.name)] = { columns: names, unique: row.unique === true, where };
    }
  }
  return tables;
}

/** A condition without what the two databases write differently. */
const plain = (condition: string) => condition.toLowerCase().replace(/["()]|::\w+/g, '');
