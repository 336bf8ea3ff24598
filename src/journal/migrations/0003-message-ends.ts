import type { Kysely } from 'kysely';

/** When an assistant's message was begun (`created_at` is when it was stored, complete or cut), and why its model stopped. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.alterTable('messages').addColumn('began_at', 'bigint').execute();
  await db.schema.alterTable('messages').addColumn('finish_reason', 'text').execute();
}
