import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Journal } from '../journal/journal.ts';
import { reasonOf } from '../journal/postgres/errors.ts';
import { openPostgresJournal } from '../journal/postgres/postgres-journal.ts';
import { openSqliteJournal } from '../journal/sqlite/sqlite-journal.ts';
import { journalPath, prepareDataDir } from './data-dir.ts';

/** Opens and migrates the journal that the configuration names. Errors: `journal.*`, `data_dir.unusable`. */
export async function openJournal(config: Config, log?: Logger): Promise<Journal & { migrated: string[] }> {
  const onTrouble = (error: unknown, what: string) => log?.warn({ error: reasonOf(error) }, what);
  if (config.databaseUrl !== undefined) return await openPostgresJournal({ url: config.databaseUrl, onTrouble });
  prepareDataDir(config.dataDir);
  const delay = process.env.HOLDFAST_BENCH_COMMIT_DELAY_MS;
  const path = journalPath(config.dataDir);
  return await openSqliteJournal({ path, ...(delay ? { commit_delay_ms: Number(delay) } : {}) }, onTrouble);
}
