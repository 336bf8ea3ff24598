import type { Kysely } from 'kysely';

/** For lists of the runs of one model, or of one persona, among many others. */
export async function up(db: Kysely<never>): Promise<void> {
  const { schema } = db;
  await schema.createIndex('runs_by_model').on('runs').columns(['org_id', 'model', 'id']).execute();
  await schema.createIndex('runs_by_persona').on('runs').columns(['org_id', 'persona_id', 'id']).execute();
}
