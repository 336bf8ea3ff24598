/** The data directory: one server at a time, its lock held by the operating system, so that a kill leaves none behind. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../errors.ts';

export const journalPath = (dataDir: string) => join(dataDir, 'holdfast.db');
export const keyPath = (dataDir: string) => join(dataDir, 'api-key');

/** Creates the directory, readable by its owner alone. Errors: `data_dir.unusable` naming it. */
export function prepareDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new HoldfastError(
      'data_dir.unusable',
      `The data directory ${dataDir} cannot be made: ${(error as Error).message}.`,
    );
  }
}

/**
 * Takes the directory for this process until it ends, however it ends: an exclusive SQLite transaction on a file of its own.
 * Errors: `data_dir.in_use` naming the directory and the process that has it.
 */
export function lockDataDir(dataDir: string): () => void {
  const pidFile = join(dataDir, 'holdfast.pid');
  const lock = new DatabaseSync(join(dataDir, 'lock.db'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    const holder = existsSync(pidFile) ? `, process ${readFileSync(pidFile, 'utf8').trim()}` : '';
    throw new HoldfastError('data_dir.in_use', `Another Holdfast${holder} runs on the data directory ${dataDir}.`, {
      cause: error,
    });
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return () => lock.close();
}

/** Writes the first key where its owner alone reads it. */
export function writeKeyFile(dataDir: string, token: string): void {
  writeFileSync(keyPath(dataDir), `${token}\n`, { mode: 0o600 });
  chmodSync(keyPath(dataDir), 0o600);
}

/** The key in the data directory, if there is one. */
export function readKeyFile(dataDir: string): string | undefined {
  return existsSync(keyPath(dataDir)) ? readFileSync(keyPath(dataDir), 'utf8').trim() : undefined;
}
