import type { Config } from '../config.ts';
import { HoldfastError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import { openSqliteJournal } from '../journal/sqlite/sqlite-journal.ts';
import { journalPath, prepareDataDir } from './data-dir.ts';

/** Opens and migrates the journal that the configuration names. Errors: `journal.*`, `config.invalid`. */
export async function openJournal(config: Config): Promise<Journal & { migrated: string[] }> {
  if (config.databaseUrl !== undefined) {
    throw new HoldfastError('config.invalid', 'DATABASE_URL: this version keeps its journal in SQLite; unset it.');
  }
  prepareDataDir(config.dataDir);
  return await openSqliteJournal({
    path: journalPath(config.dataDir),
    ...(process.env.HOLDFAST_BENCH_COMMIT_DELAY_MS
      ? { commit_delay_ms: Number(process.env.HOLDFAST_BENCH_COMMIT_DELAY_MS) }
      : {}),
  });
}
