import { sql } from 'kysely';

/** The runs that have not ended. A literal: a bound value does not tell SQLite's planner that the partial index holds them. */
export const notEnded = sql<boolean>`${sql.ref('ended')} = ${sql.lit(0)}`;
