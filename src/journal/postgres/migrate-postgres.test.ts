/** A migration while others work on the tables: it waits for them, and they do not wait for it. */
import type { Kysely } from 'kysely';
import { Client } from 'pg';
import { expect, it } from 'vitest';
import { createArgs } from '../../../test/support/clocked-journal.ts';
import { createDatabase } from '../../../test/support/postgres-database.ts';
import { until } from '../../../test/support/until.ts';
import { migrations } from '../migrations/index.ts';
import { migratePostgres } from './migrate-postgres.ts';
import { openPostgresJournal } from './postgres-journal.ts';

/** A migration asks for a table for a second at a time; a create waits no longer, whoever holds the table meanwhile. */
const HELD_UP_MS = 2_000;
/** Of which the fastest counts: a pause of the machine slows one down, a longer wait for the table each. */
const ROUNDS = 3;

const up = async (db: Kysely<never>) => {
  await db.schema.alterTable('runs').addColumn('later', 'text').execute();
};
const later = { ...migrations, '9998-later': { up, besideOlder: true } };

it('a transaction that reads for long holds up a migration, and the migration holds up nobody', async () => {
  const url = await createDatabase();
  const journal = await openPostgresJournal({ url });
  await journal.write('createRun', createArgs());
  const reader = new Client({ connectionString: url });
  await reader.connect();
  await reader.query('begin; select count(*) from runs');

  let migrated: string[] | undefined;
  const migrating = migratePostgres(url, later).then((names) => {
    migrated = names;
  });
  const asksForTable = async () => {
    const { rows } = await reader.query("select 1 from pg_locks where mode = 'AccessExclusiveLock' and not granted");
    return rows.length > 0;
  };
  const heldUpMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await until(asksForTable, 'the migration waits for the table');
    const began = performance.now();
    await journal.write('createRun', createArgs());
    heldUpMs.push(performance.now() - began);
  }
  expect(Math.min(...heldUpMs)).toBeLessThan(HELD_UP_MS);
  expect(migrated).toBeUndefined();
  await reader.query('commit');
  await migrating;
  expect(migrated).toEqual(['9998-later']);
  await reader.end();
  await journal.close();
});
