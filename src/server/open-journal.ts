import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Journal } from '../journal/journal.ts';
import { reasonOf } from '../journal/postgres/errors.ts';
import { openPostgresJournal } from '../journal/postgres/postgres-journal.ts';
import { openSqliteJournal } from '../journal/sqlite/sqlite-journal.ts';
import { journalPath, prepareDataDir } from './data-dir.ts';

/** Opens and migrates the journal that the configuration names. Errors: `journal.*`, `data_dir.unusable`. */
export async function openJournal(config: Config, log?: Logger): Promise<Journal & { migrated: string[] }> {
  if (config.databaseUrl !== undefined) {
    return await openPostgresJournal({
      url: config.databaseUrl,
      onTrouble: (error, what) => log?.warn({ error: reasonOf(error) }, what),
    });
  }
  prepareDataDir(config.dataDir);
  return await openSqliteJournal({
    path: journalPath(config.dataDir),
    ...(process.env.HOLDFAST_BENCH_COMMIT_DELAY_MS
      ? { commit_delay_ms: Number(process.env.HOLDFAST_BENCH_COMMIT_DELAY_MS) }
      : {}),
  });
}
