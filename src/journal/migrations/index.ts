/**
 * Every migration in order. A released one never changes: what follows it is a file of its own.
 *
 * Servers of the version before run while a migration runs, and after it until they are stopped; one of them that is started again in
 * between must be able to open the journal. So a migration is `besideOlder` unless it cannot be: it adds a table, an index, or a
 * column that may be null or has a constant default, which the older code neither reads nor has to write. What is renamed, removed or
 * given another meaning takes two releases: the first stops to use it, the second removes it (its `besideOlder` is false, and
 * docs/operations.md says "stop all servers first"). Its locks must be short: every transaction waits for them. PostgreSQL adds a column
 * with a constant default at once, but holds up writers for as long as it builds an index.
 */
import type { Kysely } from 'kysely';
import * as initial from './0001-initial.ts';
import * as agents from './0002-agents.ts';
import * as messageEnds from './0003-message-ends.ts';
import * as aliases from './0004-aliases.ts';
import * as operations from './0005-operations.ts';
import * as filters from './0006-filters.ts';
import * as runEnds from './0007-run-ends.ts';

export type JournalMigration = {
  up(db: Kysely<never>): Promise<void>;
  /** Code that does not know it may open the journal after it: older servers go on, and may be started again. */
  besideOlder: boolean;
};

/** Before these no code asked whether it may run beside a later version. */
const first = { besideOlder: false };

export const migrations: Record<string, JournalMigration> = {
  '0001-initial': { ...initial, ...first },
  '0002-agents': { ...agents, ...first },
  '0003-message-ends': { ...messageEnds, ...first },
  '0004-aliases': { ...aliases, ...first },
  '0005-operations': { ...operations, ...first },
  '0006-filters': { ...filters, besideOlder: true },
  // Older code finds what is past `retention_days` without the index that it drops, more slowly.
  '0007-run-ends': { ...runEnds, besideOlder: true },
};
