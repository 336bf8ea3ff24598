import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { HoldfastError } from '../errors.ts';
import { migrations } from './migrations/index.ts';
import type { Schema } from './schema.ts';

/**
 * Brings the tables to the newest version and returns the names of the migrations that ran. The caller holds the store's
 * lock, or the store's migrator takes one (PostgreSQL's advisory lock).
 * Errors: `journal.migration_failed` with the migration's name; `journal.too_new` when the file was written by a later version.
 */
export async function migrate(db: Kysely<Schema>): Promise<string[]> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error, results } = await migrator.migrateToLatest();
  const failed = results?.find((result) => result.status === 'Error');
  if (failed) {
    throw new HoldfastError('journal.migration_failed', `Migration ${failed.migrationName} failed: ${String(error)}`, {
      cause: error,
    });
  }
  if (error && !(error as Error).message.startsWith('corrupted migrations')) throw error;
  if (error) {
    throw new HoldfastError('journal.too_new', `The database does not fit this version of Holdfast: ${String(error)}`, {
      cause: error,
    });
  }
  return (results ?? []).map((result) => result.migrationName);
}
