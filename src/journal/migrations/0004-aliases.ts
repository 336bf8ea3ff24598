import type { Kysely } from 'kysely';

/** Other names of threads, runs and personas: what a dialect with ids of its own calls them. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('aliases')
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('alias', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('id', 'text', (c) => c.notNull())
    .addColumn('fingerprint', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('aliases_pk', ['org_id', 'alias'])
    .addUniqueConstraint('aliases_by_id', ['org_id', 'kind', 'id'])
    .execute();
}
