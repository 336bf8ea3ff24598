import { type Kysely, sql } from 'kysely';

/** For counting active runs, for finding what is older than `retention_days`, and for threads whose messages are to be removed. */
export async function up(db: Kysely<never>): Promise<void> {
  const { schema } = db;
  await schema
    .createIndex('runs_active_by_status')
    .on('runs')
    .columns(['status'])
    .where(sql.ref('ended'), '=', sql.lit(0))
    .execute();
  // An ended run's last event is its end, and the index holds none that has not ended.
  await schema
    .createIndex('runs_by_end')
    .on('runs')
    .columns(['last_event_at'])
    .where(sql.ref('ended'), '=', sql.lit(1))
    .execute();
  await schema.createIndex('threads_by_age').on('threads').columns(['updated_at']).execute();
  await schema
    .createTable('deleted_threads')
    .addColumn('thread_id', 'text', (c) => c.primaryKey())
    .execute();
}
