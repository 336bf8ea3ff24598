import { type Kysely, sql } from 'kysely';

/** Child runs, timers of `wait`, and messages to an active run. */
export async function up(db: Kysely<never>): Promise<void> {
  const schema = db.schema;
  await schema.alterTable('calls').addColumn('due_at', 'bigint').execute();
  await schema.alterTable('runs').addColumn('parent_call_id', 'text').execute();
  await schema
    .alterTable('runs')
    .addColumn('children_tokens', 'bigint', (c) => c.notNull().defaultTo(0))
    .execute();
  await schema
    .alterTable('runs')
    .addColumn('children_cost_usd', 'double precision', (c) => c.defaultTo(0))
    .execute();
  await schema
    .createIndex('runs_by_parent_call')
    .unique()
    .on('runs')
    .columns(['parent_call_id'])
    .where(sql.ref('parent_call_id'), 'is not', null)
    .execute();
  await schema
    .createTable('run_messages')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('run_id', 'text', (c) => c.notNull())
    .addColumn('content', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema.createIndex('run_messages_by_run').on('run_messages').columns(['run_id', 'id']).execute();
}
