import { type Kysely, sql } from 'kysely';

/**
 * Runs are found by their end in columns that only their end writes. PostgreSQL writes every index of a row anew when a column of any of
 * them changes, be the index partial: with `last_event_at` in one, each append did.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createIndex('runs_by_ending')
    .on('runs')
    .expression(sql`coalesce(completed_at, failed_at, cancelled_at)`)
    .where(sql.ref('ended'), '=', sql.lit(1))
    .execute();
  await db.schema.dropIndex('runs_by_end').execute();
}
