/** What SQLite reads for the work that goes on behind: an index, never all runs. */
import { Kysely, SqliteDialect, sql } from 'kysely';
import { expect, it } from 'vitest';
import { migrate } from '../migrate.ts';
import type { Schema } from '../schema.ts';
import { endedAt } from '../transactions/purge.ts';
import { asKyselyDatabase, openDatabase } from './database.ts';

it('old runs are found from the index of ends', async () => {
  const sqlite = openDatabase(':memory:', 'writer');
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: asKyselyDatabase(sqlite) }) });
  await migrate(db);
  const query = db.selectFrom('runs').select('id').where(sql.ref('ended'), '=', sql.lit(1));
  const { sql: text } = query.where(endedAt, '<', 0).orderBy(endedAt).compile();
  const plan = await sql<{ detail: string }>`explain query plan ${sql.raw(text.replace('?', '0'))}`.execute(db);
  expect(plan.rows.map((row) => row.detail)).toEqual([
    expect.stringContaining('USING INDEX runs_by_ending (<expr><?)'),
  ]);
  await db.destroy();
});
