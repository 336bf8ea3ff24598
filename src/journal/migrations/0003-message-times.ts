import type { Kysely } from 'kysely';

/** When an assistant's message was begun; `created_at` is when it was stored, complete or cut. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.alterTable('messages').addColumn('began_at', 'bigint').execute();
}
