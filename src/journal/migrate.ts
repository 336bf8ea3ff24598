import { type Kysely, sql } from 'kysely';
import { DEFAULT_MIGRATION_TABLE, type Migration, Migrator } from 'kysely/migration';
import { HoldfastError } from '../errors.ts';
import { type JournalMigration, migrations } from './migrations/index.ts';
import type { Schema } from './schema.ts';

/** The last migration that older code cannot run beside: who does not know it may not open the journal. */
const NEEDED_META = 'journal.needed_migration';

/**
 * Brings the tables to the newest version and returns the names of the migrations that ran: none where a later version of Holdfast
 * has migrated further and said that this one may run beside it. The caller holds the store's lock, or the store's migrator takes
 * one (PostgreSQL's advisory lock).
 * Errors: `journal.migration_failed` with the migration's name; `journal.too_new` when a later version wrote what this one cannot read.
 */
export async function migrate(
  db: Kysely<Schema>,
  all: Record<string, JournalMigration> = migrations,
): Promise<string[]> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => remembering(all) } });
  const { error, results } = await migrator.migrateToLatest();
  const failed = results?.find((result) => result.status === 'Error');
  if (failed) {
    throw new HoldfastError('journal.migration_failed', `Migration ${failed.migrationName} failed: ${String(error)}`, {
      cause: error,
    });
  }
  if (error && !(error as Error).message.startsWith('corrupted migrations')) throw error;
  if (error && !(await mayRunBeside(db, Object.keys(all)))) {
    throw new HoldfastError('journal.too_new', `The database does not fit this version of Holdfast: ${String(error)}`, {
      cause: error,
    });
  }
  return (results ?? []).map((result) => result.migrationName);
}

/** Each migration with what it means for older code, which is written down in its own transaction. */
function remembering(all: Record<string, JournalMigration>): Record<string, Migration> {
  let needed = '';
  return Object.fromEntries(
    Object.entries(all).map(([name, { up, besideOlder }]) => {
      if (!besideOlder) needed = name;
      const value = needed;
      const upAndRemember = async (db: Kysely<never>) => {
        await up(db);
        await (db as unknown as Kysely<Schema>)
          .insertInto('meta')
          .values({ key: NEEDED_META, value })
          .onConflict((oc) => oc.column('key').doUpdateSet({ value }))
          .execute();
      };
      return [name, { up: upAndRemember as Migration['up'] }];
    }),
  );
}

/** Whether all that is known here has run, and whoever ran more said that it does not matter to us. */
async function mayRunBeside(db: Kysely<Schema>, known: string[]): Promise<boolean> {
  const ran = await sql<{ name: string }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)}`.execute(db);
  const names = new Set(ran.rows.map(({ name }) => name));
  if (!known.every((name) => names.has(name))) return false;
  const needed = await db.selectFrom('meta').select('value').where('key', '=', NEEDED_META).executeTakeFirst();
  return needed !== undefined && known.includes(needed.value);
}
