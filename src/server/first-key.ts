import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Journal } from '../journal/journal.ts';
import { createFirstKey, DEFAULT_ORG, storeKey } from '../runs/keys.ts';
import { keyPath, prepareDataDir, readKeyFile, writeKeyFile } from './data-dir.ts';

/**
 * Makes sure that the default organisation has a key: the one of `HOLDFAST_API_KEY`, else the one in the data directory, else
 * one made here and written there.
 */
export async function ensureFirstKey(journal: Journal, config: Config, log: Logger): Promise<void> {
  const token = config.apiKey ?? readKeyFile(config.dataDir);
  if (token !== undefined) {
    await storeKey(journal, token, { org_id: DEFAULT_ORG, scopes: ['admin'] });
    return;
  }
  const made = await createFirstKey(journal, { org_id: DEFAULT_ORG, scopes: ['admin'] });
  if (made === undefined) return;
  prepareDataDir(config.dataDir);
  writeKeyFile(config.dataDir, made);
  log.info({ file: keyPath(config.dataDir) }, 'a first API key was written');
}
