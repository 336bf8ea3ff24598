/** Brings a PostgreSQL database to this version while servers of the version before may work on it. */
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import { HoldfastError } from '../../errors.ts';
import { migrate } from '../migrate.ts';
import { type JournalMigration, migrations } from '../migrations/index.ts';
import { connectionConfig, kyselyOn, Sessions } from './connections.ts';
import { reasonOf } from './errors.ts';

/** `pg_xact_status`, by which a lost commit is asked for, came with it. */
const OLDEST_VERSION = 130_000;
/** How long one statement of a migration may take, the wait for another process that migrates included. */
const MIGRATION_STATEMENT_TIMEOUT_MS = 600_000;
/** How long a migration waits for a table that others use: whatever they do next waits behind it. */
const MIGRATION_LOCK_TIMEOUT_MS = 1_000;
/** Then it lets them go on for this long, and tries again. */
const MIGRATION_PAUSE_MS = 500;
const MIGRATION_WITHIN_MS = 600_000;
/** SQLSTATE of a lock that was not had in time. */
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Checks the server and migrates, on a connection of its own with time for it. Gives the names of the migrations that ran.
 * Errors: `journal.unusable` naming the place, `journal.migration_failed`, `journal.too_new`.
 */
export async function migratePostgres(
  url: string,
  all: Record<string, JournalMigration> = migrations,
): Promise<string[]> {
  const limits = {
    statement_timeout: MIGRATION_STATEMENT_TIMEOUT_MS,
    lock_timeout: MIGRATION_LOCK_TIMEOUT_MS,
    query_timeout: 0,
  };
  const connections = new Sessions({ ...connectionConfig(url), ...limits }, 1, () => undefined);
  try {
    const version = await versionOf(connections);
    if (version < OLDEST_VERSION)
      throw new Error(`PostgreSQL 13 or newer is needed, this is ${Math.floor(version / 10_000)}`);
    return await migratePatiently(connections, all);
  } catch (error) {
    if (error instanceof HoldfastError && error.code !== 'journal.unavailable') throw error;
    const cause = error instanceof HoldfastError ? error.cause : error;
    throw new HoldfastError('journal.unusable', `${placeOf(url)}: ${reasonOf(cause)}.`, { cause });
  } finally {
    await connections.end();
  }
}

/** A transaction that uses a table may be long (a backup is one): the tables are asked for again and again, never for long. */
async function migratePatiently(connections: Sessions, all: Record<string, JournalMigration>): Promise<string[]> {
  const until = Date.now() + MIGRATION_WITHIN_MS;
  for (;;) {
    try {
      return await migrate(kyselyOn(connections), all);
    } catch (error) {
      if (!isLockTimeout(error) || Date.now() > until) throw error;
      await delay(MIGRATION_PAUSE_MS);
    }
  }
}

function isLockTimeout(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.code === LOCK_NOT_AVAILABLE;
  return error instanceof HoldfastError && isLockTimeout(error.cause);
}

async function versionOf(connections: Sessions): Promise<number> {
  const session = await connections.take();
  try {
    const sql = "select current_setting('server_version_num')::int as version";
    return (await session.query<{ version: number }>(sql)).rows[0]?.version ?? 0;
  } finally {
    session.release();
  }
}

/** `DATABASE_URL (user@host:port/database)`: where it points to, without its password and parameters. */
export function placeOf(url: string): string {
  const { username, host, pathname } = new URL(url);
  return `DATABASE_URL (${username === '' ? '' : `${username}@`}${host}${pathname})`;
}
