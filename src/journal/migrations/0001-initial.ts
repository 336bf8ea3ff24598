import { type Kysely, SqliteAdapter, sql } from 'kysely';

/** SQLite: rows live in the primary key's tree itself, one page write instead of two. PostgreSQL knows no such thing. */
const clustered = (db: Kysely<never>) =>
  db.getExecutor().adapter instanceof SqliteAdapter ? sql`without rowid` : sql``;

/** `bigint` holds milliseconds and positions in PostgreSQL; SQLite reads it as INTEGER. */
export async function up(db: Kysely<never>): Promise<void> {
  const schema = db.schema;
  await schema
    .createTable('meta')
    .addColumn('key', 'text', (c) => c.primaryKey())
    .addColumn('value', 'text', (c) => c.notNull())
    .execute();
  await schema
    .createTable('orgs')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createTable('api_keys')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('prefix', 'text', (c) => c.notNull().unique())
    .addColumn('hash', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text')
    .addColumn('user_name', 'text')
    .addColumn('user_email', 'text')
    .addColumn('scopes', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .execute();
  await schema
    .createTable('personas')
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('source', 'text', (c) => c.notNull())
    .addColumn('definition', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('personas_pk', ['org_id', 'key', 'version'])
    .execute();
  await threadsAndMessages(db);
  await runsAndEvents(db);
  await waitingAndDelivery(db);
}

async function threadsAndMessages(db: Kysely<never>): Promise<void> {
  const schema = db.schema;
  await schema
    .createTable('threads')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('title', 'text')
    .addColumn('metadata', 'text', (c) => c.notNull())
    .addColumn('active_run_id', 'text')
    .addColumn('next_position', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema.createIndex('threads_by_org').on('threads').columns(['org_id', 'id']).execute();
  await schema
    .createTable('messages')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('thread_id', 'text', (c) => c.notNull())
    .addColumn('run_id', 'text')
    .addColumn('position', 'bigint', (c) => c.notNull())
    .addColumn('role', 'text', (c) => c.notNull())
    .addColumn('content', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('listed', 'integer', (c) => c.notNull())
    .addColumn('metadata', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('messages_by_thread', ['thread_id', 'position'])
    .execute();
  await schema
    .createTable('calls')
    .addColumn('call_id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('thread_id', 'text', (c) => c.notNull())
    .addColumn('run_id', 'text', (c) => c.notNull())
    .addColumn('message_id', 'text', (c) => c.notNull())
    .addColumn('turn', 'integer', (c) => c.notNull())
    .addColumn('idx', 'integer', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('offered', 'integer', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('arguments', 'text', (c) => c.notNull())
    .addColumn('may_repeat', 'integer', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('output', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('completed_at', 'bigint')
    .execute();
  await schema.createIndex('calls_by_thread').on('calls').columns(['thread_id', 'message_id', 'idx']).execute();
  await schema.createIndex('calls_by_run').on('calls').columns(['run_id', 'turn', 'idx']).execute();
}

async function runsAndEvents(db: Kysely<never>): Promise<void> {
  const schema = db.schema;
  await schema
    .createTable('runs')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('thread_id', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('ended', 'integer', (c) => c.notNull())
    .addColumn('epoch', 'integer', (c) => c.notNull())
    .addColumn('temporal_run_id', 'text')
    .addColumn('last_seq', 'bigint', (c) => c.notNull())
    .addColumn('last_event_at', 'bigint', (c) => c.notNull())
    .addColumn('persona_id', 'text')
    .addColumn('route_id', 'text', (c) => c.notNull())
    .addColumn('fallback_route_id', 'text')
    .addColumn('model', 'text', (c) => c.notNull())
    .addColumn('spec', 'text', (c) => c.notNull())
    .addColumn('metadata', 'text', (c) => c.notNull())
    .addColumn('parent_run_id', 'text')
    .addColumn('queued_input', 'text')
    .addColumn('queue_rank', 'integer', (c) => c.notNull())
    .addColumn('trace_id', 'text', (c) => c.notNull())
    .addColumn('created_by_user_id', 'text')
    .addColumn('created_by_user_name', 'text')
    .addColumn('created_by_email', 'text')
    .addColumn('input_tokens', 'bigint', (c) => c.notNull())
    .addColumn('cached_input_tokens', 'bigint', (c) => c.notNull())
    .addColumn('output_tokens', 'bigint', (c) => c.notNull())
    .addColumn('reasoning_tokens', 'bigint', (c) => c.notNull())
    .addColumn('cost_usd', 'double precision')
    .addColumn('waited_ms', 'bigint', (c) => c.notNull())
    .addColumn('waiting_since', 'bigint')
    .addColumn('error_code', 'text')
    .addColumn('error_message', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('started_at', 'bigint')
    .addColumn('completed_at', 'bigint')
    .addColumn('failed_at', 'bigint')
    .addColumn('cancelled_at', 'bigint')
    .execute();
  await schema.createIndex('runs_by_org').on('runs').columns(['org_id', 'id']).execute();
  await schema.createIndex('runs_by_status').on('runs').columns(['org_id', 'status', 'id']).execute();
  await schema.createIndex('runs_by_thread').on('runs').columns(['thread_id', 'id']).execute();
  await schema
    .createIndex('runs_active')
    .on('runs')
    .columns(['org_id', 'id'])
    .where(sql.ref('ended'), '=', sql.lit(0))
    .execute();
  await schema
    .createIndex('runs_by_parent')
    .on('runs')
    .columns(['parent_run_id', 'id'])
    .where(sql.ref('parent_run_id'), 'is not', null)
    .execute();
  await schema
    .createTable('events')
    .addColumn('run_id', 'text', (c) => c.notNull())
    .addColumn('seq', 'bigint', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('data', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('events_pk', ['run_id', 'seq'])
    .modifyEnd(clustered(db))
    .execute();
  await schema
    .createTable('steps')
    .addColumn('run_id', 'text', (c) => c.notNull())
    .addColumn('step', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('release_reason', 'text')
    .addColumn('attempt', 'integer', (c) => c.notNull())
    .addColumn('token', 'text', (c) => c.notNull())
    .addColumn('message_id', 'text')
    .addColumn('outcome', 'text')
    .addColumn('provider_errors', 'integer', (c) => c.notNull())
    .addColumn('lost_workers', 'integer', (c) => c.notNull())
    .addColumn('from_seq', 'bigint', (c) => c.notNull())
    .addColumn('started_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('steps_pk', ['run_id', 'step'])
    .modifyEnd(clustered(db))
    .execute();
}

async function waitingAndDelivery(db: Kysely<never>): Promise<void> {
  const schema = db.schema;
  await schema
    .createTable('inputs')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('run_id', 'text', (c) => c.notNull())
    .addColumn('thread_id', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('prompt', 'text', (c) => c.notNull())
    .addColumn('options', 'text')
    .addColumn('tool_calls', 'text')
    .addColumn('call_id', 'text')
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('answer', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('closed_at', 'bigint')
    .execute();
  await schema.createIndex('inputs_by_run').on('inputs').columns(['run_id', 'state']).execute();
  await schema
    .createIndex('inputs_open')
    .on('inputs')
    .columns(['org_id', 'id'])
    .where(sql.ref('state'), '=', sql.lit('open'))
    .execute();
  await schema
    .createTable('outbox')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('run_id', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('ref', 'text', (c) => c.notNull())
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('next_at', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('outbox_once', ['run_id', 'kind', 'ref'])
    .execute();
  await schema.createIndex('outbox_due').on('outbox').columns(['next_at']).execute();
  await schema
    .createTable('deleted_runs')
    .addColumn('run_id', 'text', (c) => c.primaryKey())
    .execute();
  await schema
    .createTable('idempotency')
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('fingerprint', 'text', (c) => c.notNull())
    .addColumn('value', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('idempotency_pk', ['org_id', 'key'])
    .execute();
  await schema.createIndex('idempotency_by_age').on('idempotency').columns(['created_at']).execute();
}
